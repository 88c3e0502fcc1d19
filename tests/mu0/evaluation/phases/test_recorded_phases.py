"""Phases and entities from recorded truth: known answers of a made-up clip."""

from pathlib import Path

import numpy as np
import pytest

from mu0.envs.entities import ARM, HAND, TABLE, TARGET
from mu0.errors import StageError
from mu0.evaluation.phases.recorded import Recorded, read_recorded
from mu0.geometry.camera import project, uvz_from_trace

NAMES = ("reach",) * 10 + ("grasp",) * 2 + ("lift", "transport", "place", "release", "retreat")
INTRINSICS = np.array([[50.0, 0, 20], [0, 50.0, 15], [0, 0, 1]])
SIZE_PX = (30, 40)
ENTITY = np.array([HAND, TARGET, ARM, TABLE], np.int32)


def recorded() -> Recorded:
    """The hand comes nearer by 2 cm per frame until it grasps; all else rests a metre before the camera."""
    points = np.tile(np.array([[0.0, 0, 1], [0.1, 0, 1], [0, 0.1, 1], [0, -0.1, 1]]), (len(NAMES), 1, 1))
    points[:, 0, 0] = 0.02 * np.minimum(np.arange(len(NAMES)), 10) - 0.2
    visible = np.ones(points.shape[:2], bool)
    return Recorded(NAMES, points, visible, ENTITY, np.tile(np.eye(4), (len(NAMES), 1, 1)), INTRINSICS)


def test_a_reach_within_six_centimetres_of_its_end_is_a_hover() -> None:
    phases = recorded().phases
    assert phases == ("approach",) * 7 + ("hover",) * 5 + ("carry", "carry", "place", "place", "after")


@pytest.mark.parametrize("is_3d", [True, False])
def test_a_keypoint_belongs_to_the_nearest_surface_that_is_seen(*, is_3d: bool) -> None:
    truth = recorded()
    truth.visible[5, 2] = False
    places_m = truth.points_world[5] + np.array([0.01, 0, 0.01])
    uvz = uvz_from_trace(project(places_m, INTRINSICS), *SIZE_PX)
    uvz[:, 2] *= is_3d
    found = truth.entities(uvz, 5, (INTRINSICS, SIZE_PX), is_3d=is_3d)
    assert found == ("gripper", "target", "other", "other")
    assert truth.entities(uvz, 6, (INTRINSICS, SIZE_PX), is_3d=is_3d)[2] == "arm"


def test_depth_tells_what_the_picture_cannot() -> None:
    """A point behind the target on the same ray is on nothing that is known."""
    truth = recorded()
    behind_m = 1.3 * truth.points_world[5, 1:2]
    uvz = uvz_from_trace(project(behind_m, INTRINSICS), *SIZE_PX)
    assert truth.entities(uvz, 5, (INTRINSICS, SIZE_PX), is_3d=True) == ("other",)
    assert truth.entities(uvz, 5, (INTRINSICS, SIZE_PX), is_3d=False) == ("target",)


def test_kept_frames_are_read_and_old_truth_is_refused(tmp_path: Path) -> None:
    truth, path = recorded(), tmp_path / "clip.npz"
    arrays = {
        "points_world": truth.points_world, "visible": truth.visible, "entity": truth.entity,
        "camera_from_world": truth.camera_from_world, "intrinsics": INTRINSICS,
    }  # fmt: skip
    np.savez(path, **arrays)
    with pytest.raises(StageError, match="no phases"):
        read_recorded(path, (0, 1))
    np.savez(path, **arrays, phase=np.array(NAMES))
    assert read_recorded(path, (0, 10, 14)).name == ("reach", "grasp", "place")
    assert read_recorded(path, (0, 10, 14)).next_start(0, "place") == 2
