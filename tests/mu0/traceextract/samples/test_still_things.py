"""Things that rest are found without tracks; not what is taken, what passes by, and what is flat."""

import numpy as np
import pytest

from mu0.episodes.resting import FIRST_THING
from mu0.traceextract.backends.interfaces import Footage, Reconstruction
from mu0.traceextract.samples import still_things
from mu0.traceextract.samples.farthest import farthest
from mu0.traceextract.samples.still_things import StillThings, find_still_things

SIDE_PX, N_FRAMES, FAR_M = 128, 30, 1.0
INTRINSICS = np.array([[120.0, 0, 64], [0, 120.0, 64], [0, 0, 1]])
STAYS, TAKEN = np.s_[30:42, 30:42], np.s_[80:92, 80:92]
TAKEN_AT = 15


def film(*, taken_until: int = TAKEN_AT, is_painted: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Frames and depth: a wall, a box that stays, one that is taken, a bar that passes before both."""
    frames = np.full((N_FRAMES, SIDE_PX, SIDE_PX, 3), 120, np.uint8)
    depth_m = np.full((N_FRAMES, SIDE_PX, SIDE_PX), FAR_M, np.float32)
    for frame in range(N_FRAMES):
        for place, colour, shown in (
            (STAYS, (200, 40, 40), True),
            (TAKEN, (40, 40, 200), frame < taken_until),
        ):
            if shown:
                frames[frame][place] = colour
                depth_m[frame][place] = FAR_M - 0.1
        if is_painted and frame >= TAKEN_AT:
            frames[frame][STAYS] = (40, 200, 40)
        bar = np.s_[:, 4 * frame : 4 * frame + 6]
        frames[frame][bar], depth_m[frame][bar] = 20, 0.5
    return frames, depth_m


def found_in(
    frames: np.ndarray, depth_m: np.ndarray | None, budget: int = 24, core: slice = slice(0, N_FRAMES)
) -> StillThings | None:
    poses = np.tile(np.eye(4), (len(frames), 1, 1))
    footage = Footage(frames, depth_m, INTRINSICS, poses, np.arange(len(frames)), 10.0)
    return find_still_things(
        (footage, Reconstruction(depth_m, INTRINSICS, poses, "given")), core, budget, start=40
    )


def pixels(things: StillThings) -> np.ndarray:
    seen = things.points_world @ INTRINSICS.T
    return seen[:, :2] / seen[:, 2:]


def test_only_the_thing_that_stays_is_found_and_where_the_bar_hides_it_is_known() -> None:
    things = found_in(*film())
    assert things is not None
    row_column = pixels(things)[:, ::-1]
    assert (row_column > 30).all()
    assert (row_column < 42).all()
    assert things.points_world[:, 2] == pytest.approx(FAR_M - 0.1, abs=1e-6)
    assert len(set(things.thing.tolist())) == 1
    assert len(set(things.number.tolist())) == len(things.number) == 5
    assert things.number.min() >= FIRST_THING
    hidden = ~things.visible
    assert hidden[7:10].any(0).all()  # the bar covers columns 28 to 46 then
    assert things.visible[20:].all()
    assert things.confidence.min() >= 0.9


def test_nothing_is_found_where_it_changes_or_is_flat_or_nobody_measured() -> None:
    frames, depth_m = film(is_painted=True)
    assert found_in(frames, depth_m) is None  # another thing in its place
    frames, depth_m = film()
    assert found_in(frames, None) is None
    assert found_in(frames, depth_m, budget=0) is None
    assert found_in(frames, np.full_like(depth_m, FAR_M)) is None


def test_a_thing_that_is_never_taken_counts_and_the_budget_holds() -> None:
    both = found_in(*film(taken_until=N_FRAMES))
    assert both is not None
    assert len(set(both.thing.tolist())) == 2
    few = found_in(*film(taken_until=N_FRAMES), budget=7)
    assert few is not None
    assert len(few.number) == 7


def test_windows_have_numbers_of_their_own() -> None:
    one, other = found_in(*film()), found_in(*film())
    assert one is not None
    assert other is not None
    assert one.number.tolist() == other.number.tolist()
    assert one.number[0] == FIRST_THING + 40 * 256


def test_the_farthest_of_many_come_first_and_equal_ones_once() -> None:
    points = np.array([[0.0, 0], [0, 0], [1, 0], [10, 0]])
    assert farthest(points, 2).tolist() == [0, 3]
    assert farthest(np.zeros((5, 2)), 3).tolist() == [0]
    assert farthest(points, 9).tolist() == [0, 1, 2, 3]


def test_in_a_large_thing_fewer_places_are_asked_and_it_is_found_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(still_things, "MOST_PLACES", 20)
    things = found_in(*film(taken_until=N_FRAMES))
    assert things is not None
    assert len(set(things.thing.tolist())) == 2
    assert len(things.number) == 10
