"""Movement statistics of known motions."""

import numpy as np

from mu0.episodes.movement import movement_statistics
from mu0.geometry.rigid import from_parts, invert


def test_a_known_camera_path() -> None:
    angle = 0.1 * np.arange(4)
    rotation = np.tile(np.eye(3), (4, 1, 1))
    rotation[:, 0, 0], rotation[:, 0, 1] = np.cos(angle), -np.sin(angle)
    rotation[:, 1, 0], rotation[:, 1, 1] = np.sin(angle), np.cos(angle)
    centre = np.stack([0.2 * np.arange(4), np.zeros(4), np.zeros(4)], axis=-1)
    statistics = movement_statistics(invert(from_parts(rotation, centre)), np.array([1.0, 6, 20]), (50, 100))
    assert list(statistics) == [
        "total_unique_kps", "n_above_005", "n_above_010", "cam_trans_step", "cam_rot_step_rad",
        "cam_trans_total", "cam_rot_total_rad", "cam_trans_mean", "cam_rot_mean_rad", "cam_trans_max",
        "cam_rot_max_rad",
    ]  # fmt: skip
    np.testing.assert_allclose(statistics["cam_trans_step"], 0.2, rtol=1e-6)
    np.testing.assert_allclose(statistics["cam_rot_total_rad"], 0.3, rtol=1e-6)
    assert [int(statistics[key]) for key in list(statistics)[:3]] == [3, 2, 1]


def test_nothing_is_claimed_without_points_or_motion() -> None:
    assert movement_statistics(np.eye(4)[None], np.zeros(0), (50, 100)) == {}
