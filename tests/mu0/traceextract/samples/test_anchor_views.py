"""Sampling: known traces, equivariance under rigid motion, and what is dropped and why."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mu0.geometry.rigid import apply, from_parts, invert
from mu0.params.extract import ExtractParams
from mu0.traceextract.samples.anchor_views import sample_traces
from mu0.traceextract.tracking.world_tracks import WorldTracks
from tests.mu0.geometry.retargeting import retarget

SIZE_PX = (100, 120)
PARAMS = ExtractParams(future_len=40, history_len=16, anchor_stride=2)
INTRINSICS = np.array([[100.0, 0, 60], [0, 100, 50], [0, 0, 1]])


def make_tracks(n_frames: int = 20, n_points: int = 8, *, seed: int = 0) -> WorldTracks:
    """Points on smooth paths before a still camera; the last point rests."""
    rng = np.random.default_rng(seed)
    start = rng.uniform([-0.2, -0.2, 0.9], [0.2, 0.2, 1.1], (n_points, 3))
    speed = rng.uniform(-0.01, 0.01, (n_points, 3)) + np.array([0.01, 0, 0])
    speed[-1] = 0
    points = start + np.arange(n_frames)[:, None, None] * speed
    pixels = points[..., :2] / points[..., 2:] * 100 + [60, 50]
    shape = (n_frames, n_points)
    return WorldTracks(
        points_world=points.astype(np.float32),
        uv_px=pixels.astype(np.float32),
        visible=np.ones(shape, bool),
        confidence=np.ones(shape, np.float32),
        query_frame=np.where(np.arange(n_points) % 2, 5, 0).astype(np.int32),
        entity=(np.arange(n_points) // 2).astype(np.int32),
        is_moving=np.arange(n_points) < n_points - 1,
        intrinsics=INTRINSICS,
        camera_from_world=np.tile(np.eye(4), (n_frames, 1, 1)),
        pose_source="given",
    )


TRACKS = make_tracks()
SAMPLED = sample_traces(TRACKS, SIZE_PX, PARAMS)


def test_anchors_are_every_second_frame_and_the_last_ones_have_no_future() -> None:
    assert SAMPLED.samples is not None
    frames = SAMPLED.samples.frame_indices
    np.testing.assert_array_equal(frames, np.arange(0, frames[-1] + 1, 2))
    assert frames[-1] < 19
    assert SAMPLED.dropped["no_future"] > 0


def test_a_row_is_the_retargeted_track_of_its_group() -> None:
    samples, retiming = SAMPLED.samples, SAMPLED.retiming
    assert samples is not None
    assert retiming is not None
    anchor = int(samples.frame_indices[2])
    row = samples.rows(2).start
    track = int(retiming.track_ids[row])
    group = np.flatnonzero(TRACKS.query_frame == TRACKS.query_frame[track])
    seen = np.concatenate([TRACKS.uv_px, TRACKS.points_world[..., 2:]], axis=-1)[anchor:, group]
    expected = retarget(seen.swapaxes(0, 1), SIZE_PX, 40)
    n_valid = samples.valid_steps[row].sum()
    assert n_valid == expected.n_valid
    np.testing.assert_allclose(
        samples.traj[row, :n_valid], expected.trace[list(group).index(track)], atol=0.05
    )
    np.testing.assert_allclose(
        retiming.future_frame[retiming.run_of_row(row), :n_valid], anchor + expected.frame, atol=1e-3
    )


def test_raw_steps_are_the_frames_before_and_after_the_anchor() -> None:
    samples, retiming = SAMPLED.samples, SAMPLED.retiming
    assert samples is not None
    assert retiming is not None
    for slot in range(samples.n_slots):
        anchor = int(samples.frame_indices[slot])
        for row in range(samples.rows(slot).start, samples.rows(slot).stop):
            track = retiming.track_ids[row]
            future, past = samples.raw_valid_steps[row].sum(), samples.raw_valid_steps_history[row].sum()
            assert (future, past) == (min(20 - anchor, 40), min(anchor + 1, 16))
            np.testing.assert_allclose(
                samples.raw_traj[row, :future, :2], TRACKS.uv_px[anchor:, track], atol=0.05
            )
            np.testing.assert_allclose(
                samples.raw_traj_history[row, :past, :2], TRACKS.uv_px[anchor::-1, track][:16], atol=0.05
            )


def test_all_traces_start_in_the_keypoint_and_are_padded_behind_their_mask() -> None:
    samples = SAMPLED.samples
    assert samples is not None
    for name in ("traj", "traj_history", "raw_traj", "raw_traj_history"):
        trace = getattr(samples, name)
        mask = getattr(samples, name.replace("traj", "valid_steps", 1))
        np.testing.assert_array_equal(trace[:, 0, :2], samples.keypoints)
        assert (trace[~mask] == -np.inf).all()
        assert np.isfinite(trace[mask]).all()


def test_static_points_own_no_rows() -> None:
    assert SAMPLED.retiming is not None
    assert 7 not in SAMPLED.retiming.track_ids
    assert SAMPLED.dropped["static"] == 1


def test_the_choice_of_the_world_frame_does_not_matter() -> None:
    motion = from_parts(Rotation.from_euler("xyz", [0.3, -0.2, 0.5]).as_matrix(), np.array([1.0, -2, 0.5]))
    assert TRACKS.points_world is not None
    moved = dataclasses.replace(
        TRACKS,
        points_world=apply(motion, TRACKS.points_world),
        camera_from_world=TRACKS.camera_from_world @ invert(motion),
    )
    result = sample_traces(moved, SIZE_PX, PARAMS).samples
    assert result is not None
    assert SAMPLED.samples is not None
    np.testing.assert_array_equal(result.valid_steps, SAMPLED.samples.valid_steps)
    mask = result.valid_steps
    np.testing.assert_allclose(result.traj[mask], SAMPLED.samples.traj[mask], atol=0.07)


def test_the_motion_of_the_camera_drops_out_of_static_worlds() -> None:
    """A moving camera that looks at a resting point sees a resting trace from every anchor."""
    tracks = make_tracks()
    assert tracks.points_world is not None
    camera = tracks.camera_from_world.copy()
    camera[:, 0, 3] = 0.01 * np.arange(20)
    resting = np.repeat(tracks.points_world[:1], 20, axis=0)
    moving = dataclasses.replace(tracks, points_world=resting, camera_from_world=camera)
    result = sample_traces(moving, SIZE_PX, PARAMS)
    assert result.samples is None
    assert result.dropped["no_future"] > 0


def test_two_dimensional_tracks_become_traces_without_depth() -> None:
    result = sample_traces(dataclasses.replace(TRACKS, points_world=None), SIZE_PX, PARAMS).samples
    assert result is not None
    assert (result.raw_traj[result.raw_valid_steps][:, 2] == 0).all()
    assert (result.traj[result.valid_steps][:, 2] == 0).all()
    np.testing.assert_array_equal(result.keypoints[0], TRACKS.uv_px[0, 0].astype(np.float16))


@pytest.mark.parametrize(
    ("reason", "value"), [("not_finite", np.nan), ("behind_camera", -1.0), ("too_far", 1e-2 + 1e-6)]
)
def test_unusable_tracks_are_dropped_and_counted_and_do_not_touch_the_others(
    reason: str, value: float
) -> None:
    assert TRACKS.points_world is not None
    points = TRACKS.points_world.copy()
    points[12, 0, 2] = value
    if reason == "too_far":
        points[12, 0, 0] = 5.0
    result = sample_traces(dataclasses.replace(TRACKS, points_world=points), SIZE_PX, PARAMS)
    without = dataclasses.replace(TRACKS, is_moving=TRACKS.is_moving & (np.arange(8) != 0))
    alone = np.delete(np.arange(8), 0)
    clean = sample_traces(_only(without, alone), SIZE_PX, PARAMS)
    assert result.dropped[reason] > 0
    assert result.samples is not None
    assert clean.samples is not None
    np.testing.assert_array_equal(result.samples.traj, clean.samples.traj)


def _only(tracks: WorldTracks, keep: np.ndarray) -> WorldTracks:
    assert tracks.points_world is not None
    return dataclasses.replace(
        tracks,
        points_world=tracks.points_world[:, keep],
        uv_px=tracks.uv_px[:, keep],
        visible=tracks.visible[:, keep],
        confidence=tracks.confidence[:, keep],
        query_frame=tracks.query_frame[keep],
        entity=tracks.entity[keep],
        is_moving=tracks.is_moving[keep],
    )


def test_tracks_exist_from_the_start_of_their_chunk() -> None:
    assert TRACKS.points_world is not None
    points = TRACKS.points_world.copy()
    points[:10, 1] = np.nan
    first = np.where(np.arange(8) == 1, 10, 0).astype(np.int32)
    result = sample_traces(
        dataclasses.replace(TRACKS, points_world=points, first_frame=first), SIZE_PX, PARAMS
    )
    assert result.samples is not None
    assert result.retiming is not None
    anchors = np.repeat(result.samples.frame_indices, np.diff(result.samples.offsets))
    assert anchors[result.retiming.track_ids == 1].min() == 10
    assert result.samples.raw_valid_steps_history[result.retiming.track_ids == 1].sum(1).min() == 1


def test_untrusted_tracks_have_no_rows_are_counted_and_set_no_clock() -> None:
    wild = TRACKS.points_world
    assert wild is not None
    wild = wild.copy()
    wild[:, 0] += np.random.default_rng(1).normal(0, 0.2, (len(wild), 3))
    untrusted = np.arange(TRACKS.n_points) == 0
    doubtful = dataclasses.replace(
        TRACKS, points_world=wild, untrusted=untrusted, is_moving=TRACKS.is_moving & ~untrusted
    )
    found = sample_traces(doubtful, SIZE_PX, PARAMS)
    without = sample_traces(dataclasses.replace(TRACKS, is_moving=doubtful.is_moving), SIZE_PX, PARAMS)
    assert found.samples is not None
    assert found.retiming is not None
    assert 0 not in found.retiming.track_ids
    assert found.dropped["untrusted"] > 0
    assert found.n_pairs == found.samples.n_rows + sum(
        count for reason, count in found.dropped.items() if reason not in {"static", "not_finite"}
    )
    assert without.samples is not None
    assert found.samples.n_rows == without.samples.n_rows


def test_a_lost_track_teaches_nothing_after_it_is_lost() -> None:
    lives = np.ones(TRACKS.visible.shape, bool)
    lives[10:, 0] = False
    sampled = sample_traces(dataclasses.replace(TRACKS, lives=lives), SIZE_PX, PARAMS)
    samples, retiming = sampled.samples, sampled.retiming
    assert samples is not None
    assert retiming is not None
    anchor = np.repeat(samples.frame_indices, np.diff(samples.offsets))
    lost = retiming.track_ids == 0
    assert anchor[lost].tolist() == [0, 2, 4, 6, 8]
    np.testing.assert_array_equal(samples.raw_valid_steps[lost].sum(1), 10 - anchor[lost])
    assert np.isneginf(samples.raw_traj[lost][~samples.raw_valid_steps[lost]]).all()
    whole = SAMPLED.samples
    assert whole is not None
    others = np.repeat(whole.frame_indices, np.diff(whole.offsets))
    assert (~lost).sum() == len(others) - (SAMPLED.retiming.track_ids == 0).sum()  # type: ignore[union-attr]


def test_step_zero_is_the_anchor_although_nobody_is_known_to_move_there() -> None:
    lives = np.ones(TRACKS.visible.shape, bool)
    lives[:6] = False  # all are found in the sixth frame; what lies before is a guess, and moves
    sampled = sample_traces(dataclasses.replace(TRACKS, lives=lives), SIZE_PX, PARAMS)
    assert sampled.samples is not None
    for trace in (sampled.samples.traj, sampled.samples.traj_history):
        np.testing.assert_allclose(trace[:, 0, :2], sampled.samples.keypoints, atol=0.05)
