"""Resting points of an anchor: at rest, seen, trusted, away from movers; spread, within the budget."""

import dataclasses

import numpy as np

from mu0.traceextract.samples.place_rows import AWAY_SHARE, farthest, resting_rows, untrusted_rows
from mu0.traceextract.tracking.world_tracks import WorldTracks

SIZE_PX = (100, 120)
INTRINSICS = np.array([[100.0, 0, 60], [0, 100, 50], [0, 0, 1]])
N_FRAMES = 10
MOVER = 0


def make_tracks() -> WorldTracks:
    """Track 0 moves to the right through the middle; the others rest on a grid one metre away."""
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, 6), np.linspace(-0.4, 0.4, 5))
    still = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], 1)
    n_points = 1 + len(still)
    points = np.tile(np.concatenate([[[-0.3, 0, 1]], still]), (N_FRAMES, 1, 1))
    points[:, MOVER, 0] += 0.02 * np.arange(N_FRAMES)
    shape = (N_FRAMES, n_points)
    return WorldTracks(
        points_world=points.astype(np.float32),
        uv_px=(points[..., :2] * 100 + [60, 50]).astype(np.float32),
        visible=np.ones(shape, bool),
        confidence=np.full(shape, 0.9, np.float32),
        query_frame=np.zeros(n_points, np.int32),
        entity=np.arange(n_points, dtype=np.int32) + 3,
        is_moving=np.arange(n_points) == MOVER,
        intrinsics=INTRINSICS,
        camera_from_world=np.tile(np.eye(4), (N_FRAMES, 1, 1)),
        pose_source="given",
        rests=np.arange(n_points) != MOVER,
    )


TRACKS = make_tracks()
ANCHORS = [0, 2, 8]


def test_places_are_where_the_anchors_camera_sees_the_points() -> None:
    rows = resting_rows(TRACKS, SIZE_PX, 100, ANCHORS)
    assert rows is not None
    np.testing.assert_array_equal(rows.frame_indices, ANCHORS)
    expected = np.concatenate([TRACKS.uv_px[0, rows.track_ids], np.ones((rows.n_rows, 1))], 1)
    np.testing.assert_allclose(rows.places, expected, atol=1e-4)
    np.testing.assert_array_equal(rows.cluster_ids, rows.track_ids + 3)
    np.testing.assert_allclose(rows.confidence, 0.9, atol=1e-3)
    assert MOVER not in rows.track_ids


def test_a_moving_camera_sees_them_elsewhere() -> None:
    pose = np.tile(np.eye(4), (N_FRAMES, 1, 1))
    pose[:, 2, 3] = np.arange(N_FRAMES) * 0.1  # it goes back
    rows = resting_rows(dataclasses.replace(TRACKS, camera_from_world=pose), SIZE_PX, 100, ANCHORS)
    assert rows is not None
    np.testing.assert_allclose(rows.places[rows.rows(8), 2], 1.8, atol=1e-6)


def test_whoever_is_hidden_doubtful_off_the_picture_or_known_to_move_is_not_asked() -> None:
    visible, confidence = TRACKS.visible.copy(), TRACKS.confidence.copy()
    visible[2, 1:11], confidence[2, 11:21] = False, 0.5
    assert TRACKS.points_world is not None
    points = TRACKS.points_world.copy()
    points[2, 21:26, 2] = -1  # behind the camera
    points[2, 26:29, 0] = 5  # outside the image
    points[2, 29] = np.nan
    asked = dataclasses.replace(TRACKS, visible=visible, confidence=confidence, points_world=points)
    rows = resting_rows(asked, SIZE_PX, 100, [2])
    assert rows is not None
    np.testing.assert_array_equal(rows.track_ids, [30])


def test_nothing_near_a_mover_is_kept() -> None:
    rows = resting_rows(TRACKS, SIZE_PX, 100, ANCHORS)
    assert rows is not None
    for anchor in ANCHORS:
        away = np.linalg.norm(rows.places[rows.rows(anchor), :2] - TRACKS.uv_px[anchor, MOVER], axis=1)
        assert away.min() >= AWAY_SHARE * SIZE_PX[1]
    assert len(rows.places[rows.rows(0)]) < 30  # it starts on one of them


def test_the_budget_takes_points_far_from_each_other_and_always_the_same() -> None:
    rows, again = (resting_rows(TRACKS, SIZE_PX, 4, ANCHORS) for _ in range(2))
    assert rows is not None
    assert again is not None
    np.testing.assert_array_equal(rows.track_ids, again.track_ids)
    np.testing.assert_array_equal(np.diff(rows.offsets), 4)
    corners = rows.places[rows.rows(8), :2]
    apart = np.linalg.norm(corners[:, None] - corners[None], axis=-1)[~np.eye(4, dtype=bool)]
    assert apart.min() >= 80  # the four corners of the grid


def test_no_budget_or_nobody_at_rest_gives_no_rows() -> None:
    assert resting_rows(TRACKS, SIZE_PX, 0, ANCHORS) is None
    assert resting_rows(dataclasses.replace(TRACKS, rests=None), SIZE_PX, 9, ANCHORS) is None
    none = np.zeros(TRACKS.n_points, bool)
    assert resting_rows(dataclasses.replace(TRACKS, rests=none), SIZE_PX, 9, ANCHORS) is None


def test_pixel_tracks_have_places_without_depth_within_their_lives() -> None:
    lives = np.ones(TRACKS.visible.shape, bool)
    lives[:2, 5:] = False
    flat = dataclasses.replace(TRACKS, points_world=None, lives=lives)
    rows = resting_rows(flat, SIZE_PX, 100, ANCHORS)
    assert rows is not None
    assert (rows.places[:, 2] == 0).all()
    assert rows.track_ids[rows.rows(0)].max() < 5 < rows.track_ids[rows.rows(2)].max()


def test_untrusted_points_are_told_wherever_they_are_seen() -> None:
    visible = TRACKS.visible.copy()
    visible[2, 3] = False
    untrusted = np.isin(np.arange(TRACKS.n_points), [MOVER, 3])
    tracks = dataclasses.replace(TRACKS, visible=visible, untrusted=untrusted)
    rows = untrusted_rows(tracks, SIZE_PX, ANCHORS)
    assert rows is not None
    assert [rows.track_ids[rows.rows(anchor)].tolist() for anchor in ANCHORS] == [[0, 3], [0], [0, 3]]
    np.testing.assert_allclose(rows.places[0, :2], TRACKS.uv_px[0, MOVER], atol=1e-4)
    assert untrusted_rows(TRACKS, SIZE_PX, ANCHORS) is None


def test_the_farthest_points_come_one_by_one() -> None:
    line = np.array([[0, 0], [1, 0], [2, 0], [10, 0]], np.float32)
    np.testing.assert_array_equal(farthest(line, 2), [0, 3])
    np.testing.assert_array_equal(farthest(line, 3), [0, 2, 3])
    np.testing.assert_array_equal(farthest(line, 9), [0, 1, 2, 3])
    np.testing.assert_array_equal(farthest(np.repeat(line, 3, 0), 5), [0, 3, 6, 9])
