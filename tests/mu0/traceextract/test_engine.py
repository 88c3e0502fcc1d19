"""The engine: the known slide becomes the known traces; bad clips are refused or rejected with a reason."""

from dataclasses import replace

import numpy as np
import pytest
import square_scene as scene

from mu0.errors import ExtractionError
from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.registry import load_point_tracker
from mu0.traceextract.engine import extract_clip

PARAMS = ExtractParams(n_keypoints=60, workers=1)


def _extract(**kind: bool):
    return extract_clip(scene.clip_of(scene.footage(**kind)), PARAMS)


@pytest.fixture(scope="module")
def slide():
    return _extract()


def test_traces_are_the_slide_in_pixels_and_metres(slide) -> None:
    arrays, sidecar, row = slide
    samples = arrays.samples
    first = samples.rows(0)
    trace = samples.raw_traj[first, : scene.N_FRAMES].astype(float)
    expected = trace[:, :1, 0] + scene.STEP_PX * np.arange(scene.N_FRAMES)
    assert row["status"] == "ok"
    assert sidecar.is_3d
    assert len(trace) >= 10
    error_px = np.abs(trace[..., 0] - expected).max(1)
    assert np.median(error_px) < 0.7
    assert np.quantile(error_px, 0.9) < 2  # corners on the silhouette belong to nobody
    assert np.abs(np.median(trace[..., 2]) - scene.SQUARE_M) < 0.002


def test_only_the_square_moves_and_counts_add_up(slide) -> None:
    arrays, _, row = slide
    assert (np.abs(arrays.samples.raw_traj[:, 0, 2].astype(float) - scene.SQUARE_M) < 0.01).all()
    assert 0 < row["n_points_moving"] < row["n_points_total"]
    assert row["static_jitter_m"] < 1e-3
    assert row["median_reprojection_error_px"] < 0.5


def test_the_same_seed_gives_the_same_bytes(slide) -> None:
    again, sidecar, _ = _extract()
    assert again.samples.raw_traj.tobytes() == slide[0].samples.raw_traj.tobytes()
    assert sidecar == replace(slide[1], retiming=sidecar.retiming)


def test_resting_points_lie_on_the_wall_and_change_nothing_else(slide) -> None:
    arrays, _, _ = slide
    resting = arrays.resting
    assert resting is not None
    assert np.abs(resting.places[:, 2] - scene.WALL_M).max() < 0.01
    assert set(resting.frame_indices) <= set(arrays.samples.frame_indices)
    assert not set(resting.track_ids) & set(arrays.extras.track_ids)
    assert np.diff(resting.offsets).max() <= round(PARAMS.resting_budget_share * PARAMS.n_keypoints)
    none = PARAMS.model_copy(update={"resting_budget_share": 0.0})
    official, _, row = extract_clip(scene.clip_of(scene.footage()), none)
    assert official.resting is None
    assert row["n_rows"] == slide[2]["n_rows"]
    assert official.samples.raw_traj.tobytes() == arrays.samples.raw_traj.tobytes()


def test_without_depth_pixels_rest_before_a_still_camera(slide) -> None:
    resting = _extract(depth=False, poses=False)[0].resting
    assert resting is not None
    assert (resting.places[:, 2] == 0).all()


def test_nothing_moves_is_rejected_with_the_reason() -> None:
    arrays, _, row = _extract(moves=False)
    assert arrays.samples is None
    assert row["status"] == "rejected"
    assert str(row["reason"]).startswith("nothing moves: none of ")


def test_colour_only_becomes_a_pixel_episode() -> None:
    arrays, sidecar, row = _extract(depth=False, poses=False)
    assert arrays.depth_m is None
    assert not sidecar.is_3d
    assert row["status"] == "ok"
    assert row["pose_source"] == "none"
    assert (arrays.samples.raw_traj[:, 0, 2] == 0).all()


def test_one_frame_is_an_error_that_says_what_to_do() -> None:
    clip = scene.footage()
    one = replace(
        clip,
        frames=clip.frames[:1],
        depth_m=clip.depth_m[:1],
        camera_from_world=None,
        source_frames=np.zeros(1, int),
    )
    with pytest.raises(ExtractionError, match=r"tests/square has 1 frames.*\n.*at least 2 frames"):
        extract_clip(scene.clip_of(one), PARAMS)


def test_an_unknown_backend_is_named_with_the_known_ones() -> None:
    with pytest.raises(
        ExtractionError, match=r"extract.tracker is 'telepathy'.\n  expected: one of .*lucas_kanade"
    ):
        load_point_tracker("telepathy")
