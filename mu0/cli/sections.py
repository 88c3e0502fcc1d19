"""What the library's commands take from a params file, where there is one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from mu0.params.section import Section

DEFAULT = Path("params.yaml")
S = TypeVar("S", bound="Section")
ParamsOption = Annotated[
    Path | None, typer.Option("--params", help="A file with params; params.yaml where there is one.")
]


def find_section(params: Path | None, name: str, kind: type[S]) -> S | None:
    """A section of the file that was named, or of params.yaml; None where neither is.

    Raises:
        ParamsError: The named file is missing, or something in the section is wrong.
    """
    from mu0.params.read import read_section

    if params is None and not DEFAULT.exists():
        return None
    return read_section(params or DEFAULT, name, kind)
