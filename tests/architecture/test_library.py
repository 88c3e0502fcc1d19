"""mu0 is a library: imported from an empty folder, it knows no orchestrator and no path of this project."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets_defs.chain import EVERY_STAGE, WHOLE

REPOSITORY = Path(__file__).parents[2]
FILES = sorted(Path("mu0").rglob("*.py"))
COMMANDS = Path("mu0/cli")
ABOVE = ("dagster", "dvc", "great_expectations", "assets_defs", "orchestration")
OWN_PATHS = (
    ".mu0_cache",
    "dvc.",
    *(artifact.path for artifact in WHOLE.artifacts.values()),
    *(path for stage in EVERY_STAGE for path in (*stage.metrics, *stage.external)),
)
IMPORT_ALL = """
import importlib, pkgutil, sys, mu0
names = [found.name for found in pkgutil.walk_packages(mu0.__path__, "mu0.")]
names = [name for name in names if not name.endswith("__main__")]
for served in (False, True):
    for name in names:
        if name.startswith("mu0.serving") is served:
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as error:
                if error.name not in {"mujoco", "gymnasium"}:
                    raise
    print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.slow
def test_it_is_imported_from_an_empty_folder_and_brings_no_orchestrator(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-W", "ignore", "-c", IMPORT_ALL]
    outcome = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stderr
    without_serving, everything = (set(line.split()) for line in outcome.stdout.splitlines())
    assert not set(ABOVE) & everything
    assert "mlflow" not in without_serving, "only mu0.serving may need mlflow"
    assert list(tmp_path.iterdir()) == []


def literals(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def relative_paths(tree: ast.AST) -> Iterator[ast.Constant]:
    """The argument of every `Path("relative")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Path" and node.args:
            word = node.args[0]
            if isinstance(word, ast.Constant) and isinstance(word.value, str) and word.value[:1] != "/":
                yield word


def test_the_laws_would_see_a_fixed_path() -> None:
    """The checks below find what they look for."""
    guilty = ast.parse('CACHE = Path("data/captions")\nwith open(f"models/world_model/{name}"): pass')
    assert [word.value for word in relative_paths(guilty)] == ["data/captions"]
    assert sum(text.startswith(OWN_PATHS) for text in literals(guilty)) == 2


@pytest.mark.parametrize("path", [path for path in FILES if COMMANDS not in path.parents], ids=str)
def test_it_knows_no_path_of_this_project(path: Path) -> None:
    """Outside the commands: no path that is not an argument, no name of an artifact's folder."""
    tree = ast.parse(path.read_text())
    assert [word.value for word in relative_paths(tree)] == []
    assert [text for text in literals(tree) if text.startswith(OWN_PATHS)] == []


@pytest.mark.parametrize("path", sorted(COMMANDS.rglob("*.py")), ids=str)
def test_paths_of_commands_are_defaults_that_people_see(path: Path) -> None:
    """`--out outputs/extract` is a default of an option; `params.yaml` is the one file that is looked for."""
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    defaults = [
        word
        for function in functions
        for default in (*function.args.defaults, *function.args.kw_defaults)
        if default is not None
        for word in relative_paths(default)
    ]
    hidden = {word.value for word in relative_paths(tree) if word not in defaults}
    assert hidden <= {"params.yaml"}
