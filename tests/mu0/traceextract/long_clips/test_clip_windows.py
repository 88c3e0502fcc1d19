"""Windows of long clips: who owns which frame, and who is who from window to window."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.long_clips.entity_numbers import EntityNumbers
from mu0.traceextract.long_clips.handover import Carried, Followed, hand_over
from mu0.traceextract.long_clips.hidden_points import ride_on
from mu0.traceextract.long_clips.life_cycle import Event, LifeCycle
from mu0.traceextract.long_clips.window_totals import merge_rows
from mu0.traceextract.long_clips.windows import Window, cut_windows
from mu0.traceextract.tracking.world_tracks import WorldTracks

PARAMS = ExtractParams(future_len=40, history_len=16, lookahead_frames=40, window_frames=100)
SIZE_PX = (160, 120)
K = np.array([[160.0, 0, 79.5], [0, 160, 59.5], [0, 0, 1]])


@pytest.mark.parametrize("n_frames", [2, 99, 100, 101, 160, 161, 1000])
def test_cores_cover_every_frame_once_and_windows_look_ahead_and_back(n_frames: int) -> None:
    windows = cut_windows(n_frames, PARAMS)
    assert [frame for window in windows for frame in window.core] == list(range(n_frames))
    for window in windows:
        assert len(window.span) <= PARAMS.window_frames
        assert window.start == max(0, window.core.start - PARAMS.history_len)
        assert window.span.stop >= min(n_frames, window.core.stop - 1 + PARAMS.future_len)
    assert (len(windows) == 1) == (n_frames <= PARAMS.window_frames)


def test_anchors_are_every_nth_frame_of_the_clip_in_the_windows_own_numbers() -> None:
    window = Window(range(45, 100), range(61, 80))
    assert [anchor + 45 for anchor in window.anchors(4)] == [64, 68, 72, 76]


def test_a_window_without_frames_of_its_own_is_refused() -> None:
    with pytest.raises(
        ValidationError, match=r"window_frames is 175: at least 176 are needed, 160 of them to"
    ):
        ExtractParams(window_frames=175)


def make_followed(uv: np.ndarray, visible: np.ndarray, **changes: object) -> Followed:
    """Tracks of the first window, frames 0 to 99; world positions are those of the pixels at 1 m."""
    n_frames, n = visible.shape
    world = np.concatenate([(uv - K[:2, 2]) / 160, np.ones((n_frames, n, 1))], -1).astype(np.float32)
    tracks = WorldTracks(
        points_world=world,
        uv_px=uv.astype(np.float32),
        visible=visible,
        confidence=np.ones((n_frames, n), np.float32),
        query_frame=np.zeros(n, np.int32),
        entity=np.arange(n, dtype=np.int32),
        is_moving=np.ones(n, bool),
        intrinsics=K,
        camera_from_world=np.tile(np.eye(4), (n_frames, 1, 1)),
        pose_source="given",
        keypoint=np.arange(n, dtype=np.int32),
        rides_on=np.ones(n, np.int32),
    )
    followed = Followed(tracks, 10 + np.arange(n, dtype=np.int32), np.ones(n, bool), np.zeros(n, bool))
    of_tracks = {name: changes.pop(name) for name in ("rides_on", "entity") if name in changes}
    return replace(followed, tracks=replace(tracks, **of_tracks), **changes)  # type: ignore[arg-type]


WINDOWS = cut_windows(300, PARAMS)  # cores 0..59, 60..., spans 0..99, 44...143


def test_a_point_goes_on_from_the_shared_frame_nearest_to_the_border_where_it_is_seen() -> None:
    uv = np.zeros((100, 3, 2)) + 50 + np.arange(100)[:, None, None] * 0.1
    uv[90:, 1] = 500  # leaves the image
    visible = np.ones((100, 3), bool)
    visible[55:, 0] = False  # hidden from 55 on: the last shared frame that shows it is 54
    visible[:75, 1] = False  # seen from 75 on
    visible[44:, 2] = False  # hidden in all shared frames
    handover = hand_over(make_followed(uv, visible), *WINDOWS[:2], SIZE_PX, 100)
    assert handover.seen.track_id.tolist() == [10, 11]
    assert handover.seen.frame.tolist() == [54, 75]
    np.testing.assert_allclose(handover.seen.pixel[:, 0], [55.4, 57.5])
    assert handover.hidden.track_id.tolist() == [12]
    np.testing.assert_allclose(handover.hidden.world[0], [(56 - 79.5) / 160, (56 - 59.5) / 160, 1], rtol=1e-5)
    assert handover.hidden.last_seen.tolist() == [43]


def test_hidden_points_that_ride_on_nothing_or_never_moved_are_lost() -> None:
    visible = np.ones((100, 3), bool)
    visible[44:] = False
    rides_on = np.array([-1, 1, 1], np.int32)
    has_moved = np.array([True, False, True])
    followed = make_followed(np.full((100, 3, 2), 50.0), visible, rides_on=rides_on, has_moved=has_moved)
    handover = hand_over(followed, *WINDOWS[:2], SIZE_PX, 100)
    assert handover.lost.track_id.tolist() == [10, 11]
    assert handover.hidden.track_id.tolist() == [12]
    again = replace(followed, is_hidden=np.ones(3, bool))
    assert len(hand_over(again, *WINDOWS[:2], SIZE_PX, 100).hidden) == 0, "hidden for a whole window is lost"


def test_of_still_points_one_per_patch_goes_on_and_movers_are_limited() -> None:
    uv = np.tile(np.array([[5, 5], [6, 6], [15, 5], [50, 50], [50, 51], [51, 50]], float), (100, 1, 1))
    visible = np.ones((100, 6), bool)
    visible[50:60, 4] = False
    has_moved = np.array([False, False, False, True, True, True])
    handover = hand_over(make_followed(uv, visible, has_moved=has_moved), *WINDOWS[:2], SIZE_PX, 2)
    assert handover.seen.track_id.tolist() == [10, 12, 13, 15]
    assert handover.retired.track_id.tolist() == [11, 14]


def make_carried(entity: list[int], moved: list[bool]) -> Carried:
    n = len(entity)
    return Carried(
        track_id=np.arange(n, dtype=np.int32),
        entity=np.array(entity, np.int32),
        group=np.zeros(n, np.int32),
        has_moved=np.array(moved),
        frame=np.full(n, 60),
        pixel=np.full((n, 2), 50.0),
        world=np.zeros((n, 3)),
        last_seen=np.full(n, 60),
    )


def test_entities_keep_their_numbers_over_windows() -> None:
    carried = make_carried([4, 4, 7, 9], [True, True, False, False])
    n_new = 4
    followed = make_followed(np.zeros((100, 8, 2)), np.ones((100, 8), bool))
    # carried 0 and 1 found body 2, carried 2 joins it; new 4 rides body 2, new 5 body 3; 6 and 7 are loose
    tracks = replace(followed.tracks, rides_on=np.array([2, 2, 2, -1, 2, 3, -1, 0], np.int32))
    numbers = EntityNumbers(n_given=20)
    cluster = np.array([0, 0, 3, 5])
    assert len(cluster) == n_new
    entity = numbers.later_window(tracks, carried, cluster, [(3, 9), (3, 9), (3, 8), (5, 9)])
    assert entity.tolist() == [4, 4, 4, 9, 4, 20, 9, 21]
    assert numbers.n_given == 22


def test_a_point_that_has_moved_keeps_its_entity_on_any_body() -> None:
    carried = make_carried([4, 4, 6], [True, True, True])
    followed = make_followed(np.zeros((100, 3, 2)), np.ones((100, 3), bool))
    entity = EntityNumbers(30).later_window(followed.tracks, carried, np.zeros(0, int), [])
    assert entity.tolist() == [4, 4, 6]


def test_hidden_points_ride_on_with_their_body_and_are_found_where_depth_shows_them() -> None:
    uv = np.array([[60, 40], [90, 40], [90, 70], [60, 70]], float) + np.arange(100)[:, None, None] * [0.2, 0]
    followed = make_followed(uv, np.ones((100, 4), bool), entity=np.full(4, 5, np.int32))
    depth = np.full((100, 120, 160), 1.0, np.float32)
    depth[:50] = 0.7  # something stands before all of it
    scene = Reconstruction(depth, K, np.tile(np.eye(4), (100, 1, 1)), "given")
    hidden = replace(make_carried([5, 8], [True, True]), world=np.array([[0.0, 0, 1], [0, 0, 1]]))
    whole, is_found = ride_on(followed, hidden, scene, 16, 0.02)
    assert is_found.tolist() == [True, False], "nobody of entity 8 is left"
    assert whole.is_hidden.tolist() == [False] * 4 + [True]
    expected = (np.arange(100) - 16) * 0.2 / 160
    np.testing.assert_allclose(whole.tracks.points_world[:, 4, 0], expected, atol=1e-5)
    assert whole.tracks.visible[:, 4].tolist() == [False] * 50 + [True] * 50
    assert whole.tracks.is_moving[4]


def test_the_life_of_a_track_is_told_in_order() -> None:
    life = LifeCycle()
    life.note(Event.LOST, np.array([3]), np.array([50]))
    life.note(Event.CHOSEN, np.array([3, 1]), np.array([0, 0]))
    followed = make_followed(np.zeros((100, 1, 2)), np.arange(100)[:, None] >= 30, is_hidden=np.ones(1, bool))
    life.note_found(followed, WINDOWS[1])
    assert life.table().tolist() == [[1, 0, 0], [3, 0, 0], [3, 50, 1], [10, 74, 2]]


def test_rows_of_windows_merge_by_the_kind_of_their_values() -> None:
    rows = [
        (10, {"text": "a", "yes": True, "count": 2, "share": 0.5, "gone": None, "lost": {"x": 1}}),
        (30, {"text": "b", "yes": True, "count": 3, "share": 0.9, "gone": 2.0, "lost": {"x": 2, "y": 5}}),
    ]
    assert merge_rows(rows) == {
        "text": "a", "yes": True, "count": 5, "share": pytest.approx(0.8), "gone": 2.0,
        "lost": {"x": 3, "y": 5},
    }  # fmt: skip
