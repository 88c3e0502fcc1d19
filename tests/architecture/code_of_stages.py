"""Which modules a stage runs, found by following imports."""

from functools import cache
from pathlib import Path

import grimp

from assets_defs.graph import Stage

ROOT_PACKAGES = ("mu0", "assets_defs")


@cache
def import_graph() -> grimp.ImportGraph:
    return grimp.build_graph(*ROOT_PACKAGES, cache_dir=None)


def entry_module(stage: Stage) -> str:
    """The module with which the stage's own code begins."""
    words = stage.command.split()
    return f"assets_defs.{stage.checks}.expectations" if stage.checks else words[words.index("-m") + 1]


def own_modules(module: str) -> set[str]:
    """What `module` imports of assets_defs, directly or through others."""
    return {name for name in import_graph().find_upstream_modules(module) if name.startswith("assets_defs.")}


def source_of(module: str) -> str:
    """The text of a module."""
    path = Path(module.replace(".", "/"))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
