"""What the library's commands take from a params file, where there is one."""

from pathlib import Path
from typing import TypeVar

from mu0.params.read import read_section
from mu0.params.section import Section

DEFAULT = Path("params.yaml")
S = TypeVar("S", bound=Section)


def find_section(params: Path | None, name: str, kind: type[S]) -> S | None:
    """A section of the file that was named, or of params.yaml; None where neither is.

    Raises:
        ParamsError: The named file is missing, or something in the section is wrong.
    """
    if params is None and not DEFAULT.exists():
        return None
    return read_section(params or DEFAULT, name, kind)
