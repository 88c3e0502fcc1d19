"""The clip cache: keys depend on facts and code, and name every module of ours that makes a clip."""

from pathlib import Path

import grimp
import pytest

from mu0.sources.clip.cache import PACKAGE, SIMULATION_CODE, cache_key, cache_keys, link_tree
from mu0.sources.registry import READERS, code_of

BASIS = (
    "mu0.errors", "mu0.files", "mu0.params", "mu0.processes", "mu0.progress", "mu0.records", "mu0.interfaces",
)  # fmt: skip
FILES_CODE = code_of("files")
KEEPERS = ("mu0.sources.clip.cache",)


def test_equal_facts_give_equal_keys_and_others_do_not() -> None:
    assert cache_key({"a": 1, "b": 2}, FILES_CODE) == cache_key({"b": 2, "a": 1}, FILES_CODE)
    assert cache_key({"a": 1}, FILES_CODE) != cache_key({"a": 2}, FILES_CODE)
    assert cache_key({"a": 1}, FILES_CODE) != cache_key({"a": 1}, SIMULATION_CODE)


def test_keys_made_together_are_those_made_one_by_one() -> None:
    facts = [{"index": 0}, {"index": 1}]
    assert list(cache_keys(facts, FILES_CODE)) == [cache_key(each, FILES_CODE) for each in facts]


def test_a_linked_tree_has_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c.txt").write_text("x")
    link_tree(tmp_path / "a", tmp_path / "goal")
    assert (tmp_path / "goal/b/c.txt").read_text() == "x"
    assert (tmp_path / "goal/b/c.txt").stat().st_ino == (tmp_path / "a/b/c.txt").stat().st_ino


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "code"),
    [("mu0.sources.recording", SIMULATION_CODE), ("mu0.sources.own_files.reader", FILES_CODE)],
)
def test_every_module_that_makes_a_clip_is_part_of_its_key(module: str, code: tuple[str, ...]) -> None:
    imports = grimp.build_graph("mu0", cache_dir=None)
    used = {module, *imports.find_upstream_modules(module)}
    listed = [path.removesuffix(".py").replace("/", ".") for path in code]
    for name in sorted(used):
        is_package = (
            PACKAGE / name.removeprefix("mu0").replace(".", "/").strip("/") / "__init__.py"
        ).exists()
        known = any(name == f"mu0.{part}" or name.startswith(f"mu0.{part}.") for part in listed)
        assert known or is_package or name.startswith((*BASIS, *KEEPERS)), f"{name} is missing in the key"


@pytest.mark.parametrize("kind", READERS)
def test_every_pattern_of_a_key_finds_code(kind: str) -> None:
    """A pattern that finds nothing would let old clips pass for new ones."""
    for pattern in (*code_of(kind), *SIMULATION_CODE):
        found = [path for path in PACKAGE.glob(pattern) if path.is_dir() or path.suffix == ".py"]
        assert found, pattern
