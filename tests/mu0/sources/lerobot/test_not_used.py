"""Features that nobody looks at are told, also other cameras."""

from pathlib import Path

from mu0.sources.lerobot.depth_and_robot import MOST_NAMES, not_used
from mu0.sources.lerobot.layout import Layout


def layout_of(names: list[str]) -> Layout:
    return Layout(Path(), "v3.0", 10.0, "", {key: {} for key in names}, {}, {}, ())


def test_other_cameras_and_readings_are_told_and_counters_are_not() -> None:
    names = ["observation.images.top", "observation.images.side", "observation.effort", "timestamp",
             "frame_index", "next.done", "task_index"]  # fmt: skip
    layout = layout_of(names)
    told = "features that were not used: observation.images.side, observation.effort"
    assert not_used(layout, {"observation.images.top", None}) == told
    assert not_used(layout, set(names)) == ""


def test_very_many_are_counted() -> None:
    names = [f"reading_{number}" for number in range(MOST_NAMES + 4)]
    assert not_used(layout_of(names), set()).endswith(" and 4 more")
