"""How stages and expectations read params.yaml: their own sections and nothing else.

So that a stage depends on no section that it does not name: DVC runs it again exactly when one of those
changes. `mu0 run` checks the whole file beforehand (orchestration/params.py).
"""

from pathlib import Path
from typing import TypeVar

from mu0.params.read import read_section
from mu0.params.section import Section

S = TypeVar("S", bound=Section)
PARAMS = "params.yaml"


def section(name: str, kind: type[S], root: Path = Path()) -> S:
    """A section of params.yaml below `root`.

    Raises:
        ParamsError: The file is missing or broken, or something in this section is wrong.
    """
    return read_section(root / PARAMS, name, kind)
