"""Following long events: over anchors, through rows that are broken, and with official entity numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mu0.traceextract.captions.evidence.event_cutting import Chunk
from mu0.traceextract.captions.evidence.hops import _split_far, hops
from mu0.traceextract.captions.evidence.measured_motion import measure
from mu0.traceextract.captions.evidence.moving_region import find_region
from tests.mu0.traceextract.captions.caption_fakes import N_FRAMES, make_episode

LEFT = np.array([-0.2, 0, 0])
WHOLE = Chunk(0, 0, 0, N_FRAMES - 1)


def test_hops_reach_the_end_of_the_event_without_gap(tmp_path: Path) -> None:
    parts = hops(make_episode(tmp_path / "a", LEFT, future_len=9), 0, 30)
    assert [(part.anchor, part.n_steps) for part in parts] == [(0, 8), (8, 8), (16, 8), (24, 6)]


def test_a_long_event_is_as_far_as_one_long_trace(tmp_path: Path) -> None:
    one = find_region(make_episode(tmp_path / "a", LEFT, n_each=5), WHOLE)
    many = find_region(make_episode(tmp_path / "b", LEFT, n_each=5, future_len=9), WHOLE)
    assert many.entity == one.entity == 0
    assert many.displacement_px == pytest.approx(one.displacement_px, rel=0.05)


def test_rows_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    episode = make_episode(tmp_path / "a", LEFT)
    assert episode.samples is not None
    raw = np.array(episode.samples.raw_traj)
    raw[0] = -np.inf
    broken = replace(episode, samples=replace(episode.samples, raw_traj=raw))
    assert len(hops(broken, 0, N_FRAMES - 1)[0].entity) == 5
    motion = measure(broken, 0, N_FRAMES - 1)
    assert motion.directions == ("left",)
    assert np.isfinite(motion.distance)


def test_points_are_marked_where_they_were_at_the_first_frame(tmp_path: Path) -> None:
    episode = make_episode(tmp_path / "a", LEFT)
    assert episode.samples is not None
    kept = np.flatnonzero(episode.samples.frame_indices % 2 == 1)  # anchors 1, 3, 5 ...
    rows = np.concatenate([np.arange(*episode.samples.rows(int(s)).indices(10**9)) for s in kept])
    names = [name for name in vars(episode.samples) if name not in {"frame_indices", "offsets"}]
    odd = replace(
        episode.samples,
        frame_indices=episode.samples.frame_indices[kept],
        offsets=np.concatenate([[0], np.cumsum(np.diff(episode.samples.offsets)[kept])]),
        **{name: np.asarray(getattr(episode.samples, name))[rows] for name in names},
    )
    (part,) = hops(replace(episode, samples=odd), 0, N_FRAMES - 1)
    assert part.anchor == 1
    np.testing.assert_allclose(part.start, hops(episode, 0, N_FRAMES - 1)[0].path[:, 0, :2], atol=0.1)


def test_equal_numbers_far_apart_are_two_entities_in_official_files(tmp_path: Path) -> None:
    pixel = np.array([[10.0, 10], [12, 10], [14, 10], [90, 10], [91, 10]])
    assert list(_split_far(np.array([3, 3, 3, 3, 3]), pixel, 15.0)) == [3, 3, 3, 4, 4]
    assert list(_split_far(np.array([3, 3, 3, 0, 0]), pixel, 15.0)) == [3, 3, 3, 0, 0]
    ours = make_episode(tmp_path / "a", LEFT)
    assert ours.sidecar.backends
    foreign = replace(ours, sidecar=replace(ours.sidecar, backends={}))
    assert measure(foreign, 0, N_FRAMES - 1).directions == ("left",)
