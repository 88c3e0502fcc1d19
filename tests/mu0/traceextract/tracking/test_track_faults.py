"""Faults: noise is measured, a jump to another surface is cut, a common jerk and a spike are not."""

import numpy as np

from mu0.traceextract.tracking.track_faults import depth_noise_m, find_faults, jitter

N_FRAMES = 20
NOISE_M, PIXEL_M = 0.002, 0.001


def _tracks(n: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Neighbours that slide together by 1 cm per frame."""
    start = np.random.default_rng(0).uniform(0, 0.03, (n, 3))
    world = start + np.arange(N_FRAMES)[:, None, None] * np.array([0.01, 0, 0])
    return world, np.ones((N_FRAMES, n), bool), np.zeros(n, int)


def test_the_noise_of_depth_is_measured_and_silhouettes_do_not_count() -> None:
    rng = np.random.default_rng(0)
    depth_m = 1 + 0.003 * rng.standard_normal((9, 60, 80))
    depth_m[:, :, 40:] += 0.5
    assert abs(depth_noise_m(depth_m) - 0.003) < 2e-4
    assert depth_noise_m(np.zeros((3, 8, 8))) == 0.0005


def test_a_jump_is_cut_from_the_side_that_was_not_chosen() -> None:
    world, seen, query = _tracks()
    world[12:, 2] += [0, 0, 0.1]
    faults = find_faults(world, seen, query, NOISE_M, PIXEL_M)
    assert faults.n_jumps.tolist() == [0, 0, 1, 0, 0, 0]
    assert faults.is_sound[:12].all()
    assert not faults.is_sound[12:, 2].any()
    assert np.delete(faults.is_sound, 2, 1).all()
    query[2] = 15
    assert (
        find_faults(world, seen, query, NOISE_M, PIXEL_M).is_sound[:, 2].tolist() == [False] * 12 + [True] * 8
    )


def test_of_a_spike_only_the_spike_is_cut() -> None:
    world, seen, query = _tracks()
    world[7, 1] += [0, 0.08, 0]
    faults = find_faults(world, seen, query, NOISE_M, PIXEL_M)
    assert np.flatnonzero(~faults.is_sound[:, 1]).tolist() == [7]


def test_a_jerk_of_all_neighbours_is_motion() -> None:
    world, seen, query = _tracks()
    world[10:] += [0.06, 0, 0]
    assert not find_faults(world, seen, query, NOISE_M, PIXEL_M).n_jumps.any()


def test_jitter_is_the_distance_from_the_middle_of_the_neighbours_in_time() -> None:
    world, seen, query = _tracks()
    world[::2, 3, 1] += 0.015
    np.testing.assert_allclose(jitter(world, seen)[[0, 3]], [0, 0.015], atol=1e-12)
    assert find_faults(world, seen, query, NOISE_M, PIXEL_M).is_jittery.tolist() == [
        False, False, False, True, False, False,
    ]  # fmt: skip
    assert np.isnan(jitter(world[:4], seen[:4])).all()
