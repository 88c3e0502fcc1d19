"""The base of every section of params.yaml."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen part of params.yaml; names carry the unit (_m, _px, _s, _hz)."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
