"""A new artifact as somebody would write it: the files of its room, and the one line in the chain."""

from pathlib import Path

ROOM = {
    "__init__.py": '"""The room of `toy`: numbers, multiplied."""\n',
    "params.py": '''"""Section `toy`."""

from mu0.params.section import Section


class ToyParams(Section):
    """By what the numbers are multiplied."""

    factor: int
''',
    "asset.py": '''"""Numbers, multiplied."""

from assets_defs.graph import Stage
from assets_defs.parts import check, code, command, data
from assets_defs.toy.params import ToyParams

SECTIONS = {"toy": ToyParams}

STAGES = (
    Stage(
        "toy",
        command=command("toy"),
        code=code("toy", "assets_defs/toy/params.py"),
        external=("numbers.txt",),
        params=("toy",),
        outputs=(data("toy", "toys", "parquet", "team:toys", "Numbers, multiplied."),),
        metrics=("reports/toy_metrics.json",),
    ),
    check("toy"),
)
''',
    "stage.py": '''"""Stage `toy`: numbers -> numbers, multiplied."""

from pathlib import Path

import pandas as pd

from assets_defs.entry import run_stage
from assets_defs.sections import section
from assets_defs.toy.params import ToyParams
from mu0.files import atomic_folder, write_json


def main() -> None:
    """Multiply."""
    factor = section("toy", ToyParams).factor
    numbers = [factor * int(word) for word in Path("numbers.txt").read_text().split()]
    with atomic_folder(Path("data/toy")) as folder:
        pd.DataFrame({"number": numbers}).to_parquet(folder / "numbers.parquet")
    write_json(Path("reports/toy_metrics.json"), {"sum": sum(numbers)})


if __name__ == "__main__":
    run_stage(main)
''',
    "expectations.py": '''"""Toy: nothing below zero."""

from pathlib import Path

from assets_defs.checks.suite import Suite, between
from assets_defs.checks.tables import read_table


def suites(root: Path) -> list[Suite]:
    """Suites about data/toy."""
    table = read_table(root / "data/toy/numbers.parquet", numbers=("number",))
    return [Suite("numbers", table, between("number", 0))]
''',
}


def add_to(project: Path) -> None:
    """Put the room beside the others, and its name at the end of the chain."""
    room = project / "assets_defs/toy"
    room.mkdir()
    for name, text in ROOM.items():
        (room / name).write_text(text)
    chain = project / "assets_defs/chain.py"
    last = '    "report",\n)\n'
    text = chain.read_text()
    assert text.count(last) == 1
    chain.write_text(text.replace(last, '    "report",\n    "toy",\n)\n'))
