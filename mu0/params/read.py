"""Reading parts of a params file, with one readable message for everything that is wrong in them."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from mu0.errors import ParamsError
from mu0.params.section import Section
from mu0.params.yaml_lines import Lined, describe_faults, read_yaml

S = TypeVar("S", bound=Section)
M = TypeVar("M", bound=BaseModel)
EXPECTED = "the keys and types described in mu0/params/"


class _Part(BaseModel):
    """One section of a file; what else stands in the file is not looked at."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())


def read_section(path: Path, name: str, kind: type[S]) -> S:
    """Read and check one section; a section that is missing has its defaults, where every key has one.

    Args:
        path: A YAML file, such as params.yaml.
        name: Of the section.
        kind: What it must be.

    Raises:
        ParamsError: The file is missing, is no YAML, or the section holds unknown keys, wrong types or
            impossible values; the message lists every fault as `section.key  what is wrong`.
    """
    required = any(field.is_required() for field in kind.model_fields.values())
    fields: dict[str, Any] = {name: (kind, ... if required else kind())}
    part = check(path, create_model("Part", __base__=_Part, **fields))
    section: S = getattr(part, name)
    return section


def check(path: Path, kind: type[M]) -> M:
    """Read a whole file as `kind`.

    Raises:
        ParamsError: The file is missing, is no YAML, or does not fit.
    """
    document = read_document(path)
    try:
        return kind.model_validate(document.content)
    except ValidationError as error:
        raise ParamsError(
            f"{path} has {error.error_count()} fault(s):\n{describe_faults(error, document)}",
            expected=EXPECTED,
            remedy="correct these lines, or start again with `mu0 profile use small`.",
        ) from None


def read_document(path: Path) -> Lined:
    """Parse a file.

    Raises:
        ParamsError: It is missing, cannot be read, or is no YAML.
    """
    try:
        return read_yaml(path.read_bytes())
    except FileNotFoundError:
        raise ParamsError(
            f"There is no {path} in {Path.cwd()}.",
            expected="the project's params.yaml in the current folder",
            remedy="change to the project folder, or create it with `mu0 profile use small`.",
        ) from None
    except OSError as error:
        raise ParamsError(
            f"{path} cannot be read: {error.strerror}.",
            expected="a text file",
            remedy="check what it is, and its permissions.",
        ) from error
    except yaml.YAMLError as error:
        raise ParamsError(
            f"{path} is not valid YAML: {error}.", expected="YAML", remedy="correct the line named above."
        ) from error
