"""Lives of points without depth: they end where the point is gone, bridge short gaps, and strays are out."""

import dataclasses

import cv2
import numpy as np

from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import FineGrey, Footage, Keypoints, PixelTracks
from mu0.traceextract.keypoints.reseeding import reseed
from mu0.traceextract.pixels.assembly_2d import PixelSettings, assemble_2d
from mu0.traceextract.pixels.pixel_lives import LifeSettings, live, similarity
from mu0.traceextract.pixels.strays import StraySettings, alone, corner_ratio
from mu0.traceextract.reconstruction.depth_and_path import pixels_only
from mu0.traceextract.samples.anchor_views import sample_traces
from mu0.traceextract.tracking.lucas_kanade import LucasKanadeTracker, follow
from mu0.traceextract.tracking.lucas_kanade_step import LucasKanadeSettings

SIZE_PX, T, SIDE_PX = 160, 30, 44
RNG = np.random.default_rng(0)
TEXTURE = cv2.resize(
    RNG.integers(0, 255, (16, 16, 3), np.uint8), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC
)
WALL = cv2.resize(
    RNG.integers(0, 255, (40, 40, 3), np.uint8), (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_CUBIC
)
PARAMS = ExtractParams(future_len=20, history_len=8, n_keypoints=120)


def _footage(*, gone_from: int = T, hidden: range = range(0)) -> Footage:
    """A textured square that slides by 2 px per frame; from a frame on it is gone, or hidden for a while."""
    frames = np.repeat(WALL[None], T, 0)
    for frame in range(min(T, gone_from)):
        left = 20 + 2 * frame
        frames[frame, 60 : 60 + SIDE_PX, left : left + SIDE_PX] = TEXTURE
        if frame in hidden:
            frames[frame, 70:82] = 128
    return Footage(frames, None, None, None, np.arange(T), 10.0)


def _on_square(footage: Footage, count: int = 6) -> Keypoints:
    place = np.array([[34.0 + 9 * (i % 3), 70.0 + 12 * (i // 3)] for i in range(count)])
    return Keypoints(np.zeros(count, int), place, np.zeros(count, int), np.ones(count, bool))


def _assembled(footage: Footage, keypoints: Keypoints):  # type: ignore[no-untyped-def]
    tracks = follow(footage.grey, None, keypoints, LucasKanadeSettings.for_width(SIZE_PX))
    scene = pixels_only(footage, "a test")
    return assemble_2d(tracks, keypoints, scene, footage.grey, PixelSettings())


def test_a_point_that_is_gone_for_good_ends_its_life_and_its_masks() -> None:
    footage = _footage(gone_from=18)
    tracks = _assembled(footage, _on_square(footage))
    assert tracks.n_points > 3
    assert tracks.lives is not None
    assert tracks.lives[:17].all()
    assert not tracks.lives[18:].any()
    samples = sample_traces(tracks, (SIZE_PX, SIZE_PX), PARAMS).samples
    assert samples is not None
    assert samples.frame_indices.max() < 18
    anchor = np.repeat(samples.frame_indices, np.diff(samples.offsets))
    np.testing.assert_array_equal(samples.raw_valid_steps.sum(1), np.minimum(18 - anchor, 20))
    assert (samples.raw_traj[~samples.raw_valid_steps] == -np.inf).all()
    assert (samples.traj[~samples.valid_steps] == -np.inf).all()


def test_no_step_of_a_trace_lies_beyond_the_life_of_its_point() -> None:
    footage = _footage(gone_from=18)
    tracks = _assembled(footage, _on_square(footage))
    sampled = sample_traces(tracks, (SIZE_PX, SIZE_PX), PARAMS)
    assert sampled.retiming is not None
    assert sampled.samples is not None
    assert np.nanmax(sampled.retiming.future_frame) <= 17
    per_row = np.repeat(sampled.retiming.future_frame, np.diff(sampled.retiming.run_offsets), axis=0)
    np.testing.assert_array_equal(np.isfinite(per_row), sampled.samples.valid_steps)


def test_tracks_that_live_always_have_the_rows_they_had_without_lives() -> None:
    footage = _footage()
    tracks = _assembled(footage, _on_square(footage))
    assert tracks.lives is not None
    always = dataclasses.replace(tracks, lives=np.ones_like(tracks.lives))
    without = dataclasses.replace(tracks, lives=None)
    a, b = (sample_traces(t, (SIZE_PX, SIZE_PX), PARAMS).samples for t in (always, without))
    assert a is not None
    assert b is not None
    for name in ("traj", "raw_traj", "valid_steps", "raw_valid_steps", "traj_history", "raw_traj_history"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def _straight(n_points: int, gap: range, off_px: float = 0.0) -> tuple[PixelTracks, np.ndarray]:
    """Points that go to the right together; the first is not seen in `gap` and comes back `off_px` lower."""
    start = np.stack([np.linspace(100, 140, n_points), np.linspace(100, 120, n_points)], 1)
    pixel = (start + np.arange(T)[:, None, None] * [3.0, 0.0]).astype(np.float32)
    seen = np.ones((T, n_points), bool)
    seen[gap.start : gap.stop, 0] = False
    pixel[gap.start : gap.stop, 0] = 0
    pixel[gap.stop :, 0, 1] += off_px
    return PixelTracks(pixel, seen), seen


def _lives(tracks: PixelTracks, seen: np.ndarray):  # type: ignore[no-untyped-def]
    return live(tracks, seen, seen, np.zeros(seen.shape[1], int), 640, LifeSettings())


def test_a_short_gap_is_bridged_where_companions_lead() -> None:
    gap = range(10, 14)
    tracks, seen = _straight(5, gap)
    found = _lives(tracks, seen)
    assert found.lives.all()
    assert not found.is_seen[10:14, 0].any()
    np.testing.assert_allclose(found.pixel[10:14, 0, 0], 100 + 3 * np.arange(10, 14), atol=1e-3)


def test_a_gap_is_not_bridged_without_companions_or_to_another_place_or_if_long() -> None:
    for tracks, seen in (
        _straight(2, range(10, 14)),
        _straight(5, range(10, 14), off_px=9.0),
        _straight(5, range(10, 20)),
    ):
        found = _lives(tracks, seen)
        assert found.lives[:10, 0].all()
        assert not found.lives[10:, 0].any()


def test_a_similarity_is_found_exactly() -> None:
    source = RNG.uniform(0, 100, (5, 2))
    turn = 1.1 * np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]])
    motion = similarity(source, source @ turn + [4.0, -2.0])
    np.testing.assert_allclose(motion, np.concatenate([turn, [[4.0, -2.0]]]), atol=1e-9)


def test_an_edge_has_no_corner_and_a_point_that_slides_along_it_is_rejected() -> None:
    frames = np.full((T, SIZE_PX, SIZE_PX, 3), 60, np.uint8)
    frames[:, 80:] = 200
    footage = Footage(frames, None, None, None, np.arange(T), 10.0)
    points = Keypoints(
        np.zeros(4, int),
        np.array([[40.0, 79], [46, 79], [52, 79], [58, 79]]),
        np.zeros(4, int),
        np.ones(4, bool),
    )
    assert (corner_ratio(footage.grey, points) < StraySettings().min_corner).all()
    slide = np.repeat(points.pixel[None], T, 0) + np.arange(T)[:, None, None] * [2.0, 0.0]
    tracks = PixelTracks(slide.astype(np.float32), np.ones((T, 4), bool))
    found = assemble_2d(tracks, points, pixels_only(footage, "a test"), footage.grey, PixelSettings())
    assert found.n_points == 0
    assert found.dropped["stray"] == 4
    resting = PixelTracks(np.repeat(points.pixel[None].astype(np.float32), T, 0), np.ones((T, 4), bool))
    found = assemble_2d(resting, points, pixels_only(footage, "a test"), footage.grey, PixelSettings())
    assert (found.n_points, int(found.is_moving.sum())) == (4, 0)


def test_a_point_that_goes_its_own_way_is_alone() -> None:
    tracks, seen = _straight(5, range(0))
    pixel = tracks.pixel.copy()
    pixel[:, 0] = pixel[0, 0] + np.arange(T)[:, None] * [-3.0, 0.0]
    is_alone, share = alone(pixel, seen, 1.0, StraySettings())
    np.testing.assert_array_equal(share > 0.5, [True, False, False, False, False])
    assert is_alone[:, 0].all()


def test_the_same_point_chosen_four_times_is_no_company() -> None:
    tracks, seen = _straight(4, range(0))
    pixel = np.repeat(tracks.pixel[:, :1], 4, 1) + np.arange(4)[None, :, None] * 0.1
    is_alone, _ = alone(pixel, seen, 1.0, StraySettings())
    assert is_alone.all()


def test_what_moves_and_has_no_point_gets_new_ones() -> None:
    footage = _footage()
    scene, tracker = pixels_only(footage, "a test"), LucasKanadeTracker()
    place = np.array([[x, y] for x in (10.0, 50.0, 90.0, 130.0) for y in (10.0, 30.0, 130.0, 150.0)])
    still = Keypoints(np.zeros(16, int), place, np.arange(16), np.zeros(16, bool))
    everyone, tracks = reseed(footage, scene, still, tracker.track(footage, scene, still), PARAMS, tracker)
    assert len(everyone.frame) == tracks.pixel.shape[1] > 10
    found = assemble_2d(tracks, everyone, scene, footage.grey, PixelSettings())
    assert found.is_moving.sum() > 5
    goes = found.uv_px[:, found.is_moving]
    alive = found.lives[:, found.is_moving]  # type: ignore[index]
    step = np.diff(goes, axis=0)[alive[1:] & alive[:-1]]
    np.testing.assert_allclose(np.median(step, 0), [2.0, 0.0], atol=0.05)


def test_frames_between_the_kept_ones_are_tracked_through() -> None:
    fine = _footage().grey
    kept = np.arange(0, T, 5)
    footage = dataclasses.replace(
        _footage(), frames=_footage().frames[kept], source_frames=kept, fine=FineGrey(fine, kept)
    )
    points = _on_square(footage)
    tracks = LucasKanadeTracker().track(footage, pixels_only(footage, "a test"), points)
    assert tracks.pixel.shape[0] == len(kept)
    moved = tracks.pixel - points.pixel
    np.testing.assert_allclose(moved[tracks.is_seen][:, 1], 0, atol=0.3)
    assert tracks.is_seen.mean() > 0.8
    np.testing.assert_allclose(np.median(moved[-1], 0), [2.0 * kept[-1], 0], atol=0.3)
