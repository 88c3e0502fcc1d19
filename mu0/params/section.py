"""The base of every section of params.yaml."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen part of params.yaml; names carry the unit (_m, _px, _s, _hz).

    Strict: a number is a number, not `true` and not text. Finite: neither infinity nor NaN.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=()
    )
