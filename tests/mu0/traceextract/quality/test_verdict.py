"""Quality: acceleration of a known motion, and a reason whenever there is no episode."""

from dataclasses import replace

import numpy as np
import pytest

from mu0.sources.clip.on_disk import ClipInfo
from mu0.traceextract.quality.verdict import mean_acceleration, quality_row, with_lens
from mu0.traceextract.tracking.world_tracks import WorldTracks

T = 20
INFO = ClipInfo(clip_id="a", source="s", fps_hz=10.0, n_frames=T, width_px=100, height_px=100)


def _tracks(x_px: np.ndarray, *, moving: bool = True) -> WorldTracks:
    uv = np.stack([x_px, np.full_like(x_px, 50)], -1)[:, None].astype(np.float32)
    return WorldTracks(
        points_world=None,
        uv_px=uv,
        visible=np.ones((T, 1), bool),
        confidence=np.ones((T, 1), np.float32),
        query_frame=np.zeros(1, np.int32),
        entity=np.zeros(1, np.int32),
        is_moving=np.array([moving]),
        intrinsics=np.eye(3),
        camera_from_world=np.tile(np.eye(4), (T, 1, 1)),
        pose_source="none",
    )


def test_acceleration_of_a_parabola_is_constant_inside_and_zero_at_the_ends() -> None:
    found = mean_acceleration(_tracks(0.5 * np.arange(T) ** 2.0))
    np.testing.assert_allclose(found[1:-1], 1, atol=1e-5)
    assert found[[0, -1]].tolist() == [0, 0]


def test_steady_motion_has_no_acceleration() -> None:
    np.testing.assert_allclose(mean_acceleration(_tracks(3.0 * np.arange(T))), 0, atol=1e-5)


def test_a_clip_without_samples_is_rejected_and_says_why() -> None:
    row = quality_row(
        INFO, _tracks(np.zeros(T), moving=False), None, "2-D only: the video has no depth", 0.01
    )
    assert row["status"] == "rejected"
    assert row["reason"] == (
        "nothing moves: none of 1 points passes the movement threshold; 2-D only: the video has no depth"
    )
    assert row["coverage"] == 1 / 256


def test_a_lens_that_had_to_be_found_is_no_measured_lens() -> None:
    def source(found: str) -> object:
        return quality_row(with_lens(INFO, found), _tracks(np.zeros(T)), None, "", 0.01)["intrinsics_source"]

    assert source("") == "none"
    assert source("predicted") == "predicted"


def test_motion_of_a_known_slide_is_measured_in_metres_and_seconds() -> None:
    x_m = np.linspace(0, 0.95, T)
    points = np.stack([x_m, np.zeros(T), np.ones(T)], -1)[:, None].astype(np.float32)
    tracks = replace(_tracks(100 * x_m), points_world=points)
    row = quality_row(INFO, tracks, None, "", 0.01, fps_hz=10.0)
    assert row["median_speed_m_s"] == pytest.approx(0.5, abs=1e-5)
    assert 0.7 < row["median_motion_m"] <= 0.95  # a few places at the ends do not count
    assert row["moving_jitter_m"] == pytest.approx(0, abs=1e-6)
    assert row["median_motion_px"] is None


def test_jitter_is_the_distance_from_the_middle_of_the_neighbours() -> None:
    shaken = np.stack([0.01 * (np.arange(T) % 2), np.zeros(T), np.ones(T)], -1)[:, None].astype(np.float32)
    tracks = replace(_tracks(np.zeros(T)), points_world=shaken)
    row = quality_row(INFO, tracks, None, "", 0.01, fps_hz=10.0)
    assert row["moving_jitter_m"] == pytest.approx(0.01, abs=1e-6)


def test_2d_motion_is_in_pixels_and_other_residuals_are_kept() -> None:
    tracks = replace(_tracks(3.0 * np.arange(T)), residuals={"n_jumps_cut": 2.0, "depth_noise_m": np.nan})
    row = quality_row(INFO, tracks, None, "", 0.01, fps_hz=10.0)
    assert 40 < row["median_motion_px"] <= 57
    assert row["median_motion_m"] is None
    assert row["residuals"] == {"n_jumps_cut": 2.0}
