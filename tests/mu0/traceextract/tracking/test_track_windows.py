"""Windows cover the clip; tracks are handed on in the overlap, forwards and backwards, or given up."""

from itertools import pairwise

import numpy as np
import pytest

from mu0.traceextract.backends.interfaces import Footage, Keypoints
from mu0.traceextract.tracking.track_windows import Portions, follow_in_windows, windows


@pytest.mark.parametrize(("length", "overlap"), [(8, 1), (48, 8), (9, 4)])
@pytest.mark.parametrize("n_frames", [1, 2, 8, 9, 48, 49, 100, 1001])
def test_windows_cover_every_frame_and_overlap_enough(n_frames: int, length: int, overlap: int) -> None:
    places = windows(n_frames, length, overlap)
    assert places[0][0] == 0
    assert places[-1][1] == n_frames
    assert all(stop - start <= length for start, stop in places)
    for (_, stop), (start, _) in pairwise(places):
        assert stop - start >= overlap


class Counter:
    """Tells its own frame number in the pixel: x = 10 * point + frame; blind where told."""

    def __init__(self, blind: set[int]) -> None:
        self.blind, self.n_frames, self.calls = blind, [], 0

    def __call__(self, frames, query, pixel):
        self.calls += 1
        self.n_frames.append(len(frames))
        number = np.array([frame[0, 0, 0] for frame in frames], float)
        slide = number[:, None] - number[query]
        tracks = pixel + np.stack([slide, np.zeros_like(slide)], -1)
        return tracks, ~np.isin(number, list(self.blind))[:, None].repeat(len(query), 1)


def _run(queries: list[int], blind: set[int] = frozenset(), n_frames: int = 40):
    frames = (
        np.zeros((n_frames, 2, 2, 3), np.uint8) + np.arange(n_frames, dtype=np.uint8)[:, None, None, None]
    )
    footage = Footage(frames, None, None, None, np.arange(n_frames), 10.0)
    n = len(queries)
    pixel = np.stack([np.array(queries, float), np.arange(n) * 1.0], 1)
    keypoints = Keypoints(np.array(queries), pixel, np.zeros(n, int), np.zeros(n, bool))
    network = Counter(blind)
    return follow_in_windows(footage, keypoints, network, Portions(10, 3, 2)), network


def test_tracks_reach_both_ends_of_the_clip_from_anywhere() -> None:
    queries = [0, 5, 11, 20, 33, 39]
    found, network = _run(queries)
    expected = np.repeat(np.arange(40.0)[:, None], 6, 1)
    np.testing.assert_allclose(found.pixel[..., 0], expected, atol=1e-5)
    np.testing.assert_allclose(found.pixel[..., 1], np.arange(6)[None].repeat(40, 0))
    assert found.is_seen.all()
    assert max(network.n_frames) <= 10


def test_a_point_hidden_through_an_overlap_is_given_up_on_that_side_only() -> None:
    places = windows(40, 10, 3)
    hidden = set(range(places[2][0], places[1][1]))  # the second overlap
    found, _ = _run([0, 39], hidden)
    assert not found.is_seen[places[1][1] :, 0].any()
    assert found.is_seen[: places[2][0], 0].all()
    assert not found.is_seen[: places[2][0], 1].any()


def test_a_point_hidden_in_a_part_of_the_overlap_is_handed_on() -> None:
    places = windows(40, 10, 3)
    found, _ = _run([0], {places[1][0]})
    assert found.is_seen[places[1][1] :, 0].all()
    assert not found.is_seen[places[1][0], 0]


def test_at_its_query_frame_a_point_is_seen_where_it_was_chosen() -> None:
    found, _ = _run([7], {7})
    assert found.is_seen[7, 0]
    np.testing.assert_array_equal(found.pixel[7, 0], [7.0, 0.0])
