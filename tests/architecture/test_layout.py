"""Sizes, words, layers and names: what style asks of every file."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import assets_defs
import mu0
import orchestration

PACKAGES = ("mu0", "assets_defs", "orchestration")
FILES = sorted(path for package in PACKAGES for path in Path(package).rglob("*.py"))
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60
FORBIDDEN = re.compile(
    r"\b(TODO|FIXME|XXX|for now(?!,| in)|dummy|stub|placeholder|_summary_)\b", re.IGNORECASE
)
OPTIONAL = {"mujoco", "gymnasium"}


def test_no_file_is_longer_than_one_reads_at_once() -> None:
    long = {str(path): n for path in FILES if (n := len(path.read_text().splitlines())) > MAX_FILE_LINES}
    assert long == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{path}:{node.name}": node.end_lineno - node.lineno + 1
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
    }
    assert long == {}


def test_nothing_is_left_unfinished() -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


def test_every_module_says_what_it_is() -> None:
    assert [str(path) for path in FILES if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_packages_hold_a_docstring_only() -> None:
    """Stages need not list them as code, and importing a package costs nothing."""
    allowed = {Path("mu0/params/__init__.py")}  # lies inside a listed package
    full = [
        path for path in FILES if path.name == "__init__.py" and len(ast.parse(path.read_text()).body) > 1
    ]
    assert set(full) <= allowed


def test_utils_do_not_exist() -> None:
    assert [str(path) for path in FILES if path.stem in {"utils", "helpers", "misc", "common"}] == []


def test_test_files_have_unique_names() -> None:
    names = [path.name for path in Path("tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType")  # MLflow about our tables
def test_every_module_can_be_imported_and_its_public_names_exist() -> None:
    for package in (mu0, assets_defs, orchestration):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith("__main__"):
                continue
            try:
                module = importlib.import_module(found.name)
            except ModuleNotFoundError as error:
                if error.name not in OPTIONAL:
                    raise
                continue
            for name in getattr(module, "__all__", ()):
                assert hasattr(module, name), f"{found.name}.{name}"


@pytest.mark.slow
def test_layers_are_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout
