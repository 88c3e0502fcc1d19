"""What no training source shows: other objects, another camera motion; usual scenes stay as they are."""

import numpy as np
import pytest

from mu0.envs.camera_path import CameraPath
from mu0.envs.layout import draw_layout
from mu0.envs.objects import EVERY_KIND, UNSEEN, USUAL
from mu0.params.raw_videos import SimulatedSource

EYE, TARGET = np.array([0.9, 0.0, 0.5]), np.array([0.25, 0.05, 0.07])
GRIPPER_OPENING_M = 0.085


def test_usual_and_unseen_things_share_neither_kind_nor_colour() -> None:
    assert not set(USUAL.kinds) & set(UNSEEN.kinds)
    assert not set(USUAL.colours) & set(UNSEEN.colours)
    assert set(EVERY_KIND) == {*USUAL.kinds, *UNSEEN.kinds}


def test_a_layout_holds_things_of_its_catalogue_only() -> None:
    for seed in range(20):
        for placed in draw_layout(seed, UNSEEN).objects:
            assert placed.kind in UNSEEN.kinds
            assert placed.colour in UNSEEN.colours


def test_the_catalogue_changes_the_things_and_nothing_else() -> None:
    usual, unseen = draw_layout(3), draw_layout(3, UNSEEN)
    assert len(usual.objects) == len(unseen.objects)
    assert np.array_equal(usual.sink_xy_m, unseen.sink_xy_m)


@pytest.mark.parametrize("kind", UNSEEN.kinds.values(), ids=lambda kind: kind.name)
def test_unseen_things_fit_the_gripper(kind) -> None:  # type: ignore[no-untyped-def]
    assert 2 * min(kind.size[0], kind.size[-1] if len(kind.size) > 2 else 1) < GRIPPER_OPENING_M


def test_an_orbit_looks_at_the_same_place_from_elsewhere() -> None:
    still = CameraPath(EYE, TARGET, moving=False, rng=np.random.default_rng(0))
    orbit = CameraPath(EYE, TARGET, moving=False, orbiting=True, rng=np.random.default_rng(0))
    target = np.append(TARGET, 1.0)
    places = []
    for time_s in np.linspace(0, 8, 9):
        seen = orbit.camera_from_world(time_s) @ target
        assert np.allclose(seen[:2], 0, atol=1e-9)
        assert seen[2] > 0.5
        places.append(-orbit.camera_from_world(time_s)[:3, :3].T @ orbit.camera_from_world(time_s)[:3, 3])
    assert np.ptp(np.array(places), axis=0)[1] > 0.2
    assert np.array_equal(still.camera_from_world(0.0), still.camera_from_world(5.0))


def test_only_the_robot_meets_the_unseen() -> None:
    with pytest.raises(ValueError, match="embodiment ur3 only"):
        SimulatedSource(kind="simulated", embodiment="human_hand", n_clips=1, unseen_objects=True)
