"""A clip without depth says how much of what moves has no trace."""

import dataclasses

import numpy as np
import pytest

from mu0.params.extract import ExtractParams
from mu0.traceextract.keypoints.choice import choose
from mu0.traceextract.long_clips.following import track
from mu0.traceextract.quality.unexplained import unexplained_motion, warning_of
from mu0.traceextract.reconstruction.depth_and_path import pixels_only, reconstruct_rgbd
from mu0.traceextract.tracking.world_tracks import WorldTracks
from tests.mu0.traceextract import square_scene as scene

PARAMS = ExtractParams(future_len=16, history_len=8)
FOOTAGE = scene.footage(depth=False)
SCENE = pixels_only(FOOTAGE, "a test")


@pytest.fixture(scope="module")
def tracks() -> WorldTracks:
    return track(FOOTAGE, SCENE, choose(FOOTAGE, SCENE, PARAMS), PARAMS)


def test_a_square_that_is_followed_is_explained(tracks: WorldTracks) -> None:
    assert tracks.residuals["explained_motion_share"] > 0.9
    assert 0.03 < tracks.residuals["moving_picture_share"] < 0.15  # 36 x 36 of 128 x 128 pixels are 0.08
    assert warning_of(tracks) == ""


def test_motion_without_traces_is_a_warning_with_its_share(tracks: WorldTracks) -> None:
    first = np.flatnonzero(tracks.is_moving)[0]
    lonely = dataclasses.replace(
        tracks,
        is_moving=np.arange(tracks.n_points) == first,
        visible=tracks.visible & (np.arange(tracks.n_frames)[:, None] < 3),
    )
    lonely = dataclasses.replace(lonely, residuals=unexplained_motion(FOOTAGE, SCENE, lonely))
    share = lonely.residuals["explained_motion_share"]
    assert share < 0.5
    assert warning_of(lonely) == f"traces follow only {share:.0%} of what moves in the picture"


def test_low_trust_in_movers_is_a_warning(tracks: WorldTracks) -> None:
    doubtful = dataclasses.replace(tracks, confidence=np.full_like(tracks.confidence, 0.25))
    assert warning_of(doubtful) == "moving points are trusted with 0.25 only"


def test_clips_with_depth_and_clips_without_motion_are_not_warned_about(tracks: WorldTracks) -> None:
    still = dataclasses.replace(tracks, is_moving=np.zeros(tracks.n_points, bool))
    assert warning_of(still) == ""
    with_depth = scene.footage()
    flat = dataclasses.replace(tracks, points_world=np.zeros((*tracks.uv_px.shape[:2], 3), np.float32))
    assert unexplained_motion(with_depth, reconstruct_rgbd(with_depth), flat) == {}
    assert warning_of(flat) == ""
