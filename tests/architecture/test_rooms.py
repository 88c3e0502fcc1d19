"""One room per artifact: what lies in it, that the chain lists it, that it declares what it reads."""

import ast
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from assets_defs.chain import BESIDE_ROOMS, EVERY_STAGE, ROOMS, WHOLE
from assets_defs.graph import Stage
from tests.architecture.code_of_stages import entry_module, source_of

ROOM_FOLDERS = {path.parent.name for path in Path("assets_defs").glob("*/asset.py")}
MOST_LINES = 60
ARTIFACT_STARTS = ("data/", "models/", "reports/")
HEAVY = ("torch", "numpy", "pandas", "cv2", "mlflow", "dagster", "dvc", "great_expectations")


def test_every_room_is_in_the_chain_once() -> None:
    listed = [*ROOMS, *BESIDE_ROOMS]
    assert sorted(listed) == sorted(ROOM_FOLDERS)


@pytest.mark.parametrize("room", sorted(ROOM_FOLDERS))
def test_a_room_holds_what_it_is_how_it_is_made_and_what_must_be_true(room: str) -> None:
    folder = Path("assets_defs", room)
    assert (folder / "stage.py").is_file()
    checked = f"check_{room}" in {stage.name for stage in EVERY_STAGE}
    assert (folder / "expectations.py").is_file() == checked


@pytest.mark.parametrize("room", sorted(ROOM_FOLDERS))
def test_what_takes_more_than_sixty_lines_belongs_in_the_library(room: str) -> None:
    assert len(Path("assets_defs", room, "stage.py").read_text().splitlines()) <= MOST_LINES


def test_every_artifact_has_an_owner() -> None:
    assert [artifact.name for artifact in WHOLE.artifacts.values() if not artifact.owners] == []


def test_what_an_artifact_is_changes_no_result() -> None:
    """Texts, owners and the list of rooms are no code of any stage: editing them runs nothing again."""
    told = {"assets_defs/chain.py", "assets_defs/graph.py", "assets_defs/parts.py"}
    told |= {f"assets_defs/{room}/asset.py" for room in ROOM_FOLDERS}
    told |= {"assets_defs", *(f"assets_defs/{room}" for room in ROOM_FOLDERS)}
    assert {stage.name: told & set(stage.code) for stage in EVERY_STAGE if told & set(stage.code)} == {}


def test_the_chain_is_listed_without_heavy_imports() -> None:
    code = f"import sys, assets_defs.chain; print(sorted(set({HEAVY}) & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def declared_paths(stage: Stage) -> set[PurePosixPath]:
    """Paths that a stage may name: what it reads and writes; a check also those of what it checks."""
    related = [stage, *([WHOLE.producer_of[stage.checks]] if stage.checks else [])]
    paths = {
        path
        for one in related
        for path in (
            *one.external, *one.metrics, *(path for path, _, _ in one.plots),
            *(WHOLE.artifacts[name].path for name in one.inputs),
            *(artifact.path for artifact in one.outputs),
            *WHOLE.gates(one), *([one.report] if one.report else []),
        )
    }  # fmt: skip
    return {PurePosixPath(path) for path in paths}


def is_declared(named: PurePosixPath, declared: set[PurePosixPath]) -> bool:
    """Inside something declared, or a folder in which something declared lies."""
    return any(named.is_relative_to(path) or path.is_relative_to(named) for path in declared)


def named_paths(module: str) -> set[PurePosixPath]:
    """Paths of artifacts in the text of a module; of `f"models/{name}"` the folder."""
    tree = ast.parse(source_of(module))
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    return {
        PurePosixPath(node.value).parent if id(node) in parts else PurePosixPath(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith(ARTIFACT_STARTS)
        and not set(" *") & set(node.value)
    }


@pytest.mark.parametrize("entry", sorted({entry_module(stage) for stage in EVERY_STAGE}))
def test_a_stage_names_no_artifact_that_it_does_not_declare(entry: str) -> None:
    """A forgotten input would not run the stage again when it changes."""
    declared = set().union(*(declared_paths(stage) for stage in EVERY_STAGE if entry_module(stage) == entry))
    assert {path for path in named_paths(entry) if not is_declared(path, declared)} == set()
