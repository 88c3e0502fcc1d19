"""Rooms: one per step, few doors, and no two that need each other."""

from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

HOUSES = ("mu0.traceextract", "mu0.sources", "mu0.viewer", "mu0.evaluation", "mu0.envs")
MOST_ROOMS = 16
FIGURE = {"keypoints", "reconstruction", "tracking", "bodies", "pixels", "samples", "long_clips"}


@cache
def import_graph() -> grimp.ImportGraph:
    return grimp.build_graph("mu0", cache_dir=None)


def packages_with_rooms() -> list[str]:
    """The houses, and every package inside them that has packages inside it."""
    inner = {
        ".".join(path.parts[:-2])
        for house in HOUSES
        for path in Path(house.replace(".", "/")).rglob("*/__init__.py")
    }
    return sorted({*HOUSES, *(name for name in inner if name.startswith(HOUSES))})


def arrows(package: str) -> dict[str, set[str]]:
    """Room -> the rooms that it imports, imports inside functions included."""
    graph, depth = import_graph(), package.count(".") + 1
    found: dict[str, set[str]] = defaultdict(set)
    for module in graph.find_descendants(package):
        own = module.split(".")[depth]
        for used in graph.find_modules_directly_imported_by(module):
            if used.startswith(f"{package}.") and used.split(".")[depth] != own:
                found[own].add(used.split(".")[depth])
    return found


@pytest.mark.parametrize("package", packages_with_rooms())
def test_no_two_rooms_need_each_other(package: str) -> None:
    rooms = arrows(package)
    assert rooms
    try:
        TopologicalSorter(rooms).prepare()
    except CycleError as error:
        pytest.fail(f"rooms of {package} in a circle: {' <- '.join(error.args[1])}")


def test_the_extractor_has_a_room_per_step_and_not_many() -> None:
    house = Path("mu0/traceextract")
    rooms = {path.parent.relative_to(house).as_posix() for path in house.rglob("*/__init__.py")}
    files = {path.stem for path in house.glob("*.py")} - {"__init__"}
    assert rooms >= FIGURE
    assert files == {"engine", "footage"}
    assert len(rooms) <= MOST_ROOMS, sorted(rooms)


def test_no_file_is_called_like_its_room() -> None:
    """`tracking/tracking.py` says nothing that its room does not say."""
    files = [path for house in HOUSES for path in Path(house.replace(".", "/")).rglob("*.py")]
    assert [str(path) for path in files if path.stem == path.parent.name] == []
