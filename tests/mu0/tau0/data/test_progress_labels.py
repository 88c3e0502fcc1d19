"""Progress: golden numbers, never falling on successes, falling after errors."""

import numpy as np
import pytest

from mu0.tau0.data.labels import Progress, after_error, completions, fallen, falls, of_episode, towards

GAMMA = 0.95
N = 3


def held_of(*completed: int, n_frames: int) -> np.ndarray:
    return (np.arange(n_frames)[:, None] >= np.array(completed, dtype=int)).sum(axis=1)


def test_golden_numbers_of_three_subgoals() -> None:
    """reference/tau0.md §9.5."""
    labels = of_episode(held_of(10, 25, 40, n_frames=45), N, GAMMA)
    shown = labels.overall[[0, 5, 10, 11, 20, 25, 26, 40, 44]]
    wanted = [-0.6008, -0.4841, -0.3333, -0.0082, 0.1825, 0.3333, 0.6584, 1.0, 1.0]
    np.testing.assert_allclose(shown, wanted, atol=5e-5)


def test_golden_numbers_of_one_segment() -> None:
    """reference/tau0.md §9.5: the returns of five steps at .9, rescaled; without success -1 everywhere."""
    labels = of_episode(held_of(4, n_frames=5), 1, 0.9)
    np.testing.assert_allclose(labels.released, [0.3122, 0.458, 0.62, 0.8, 1.0], atol=5e-5)
    assert (of_episode(np.zeros(3, dtype=int), 1, 0.9).released == -1).all()


@pytest.mark.parametrize("seed", range(20))
def test_on_a_success_the_label_never_falls_and_ends_at_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    held = held_of(*np.sort(rng.integers(0, 40, N)), n_frames=48)
    held[41:-1] = rng.integers(0, N + 1, 6)  # what rolls a little is done all the same
    labels = of_episode(held, N, GAMMA)
    assert falls(labels.overall) == 0
    assert (labels.overall[held_of(40, n_frames=48) == 1] == 1).all()
    assert (np.abs(labels.overall) <= 1).all()
    assert (np.abs(labels.released) <= 1).all()


def test_what_is_lost_again_counts_no_more() -> None:
    held = np.array([0, 0, 1, 1, 0, 0])
    labels = of_episode(held, N, GAMMA)
    assert completions(held, N) == (2,)
    np.testing.assert_allclose(labels.overall[[2, 3]], -1 / 3)
    np.testing.assert_array_equal(labels.overall[4:], -1)
    np.testing.assert_array_equal(labels.released[3:], -1)


@pytest.mark.parametrize("error_step", [0, 8, 20, 30])
def test_after_an_error_the_label_falls_to_what_is_held(error_step: int) -> None:
    demonstrated = of_episode(held_of(10, 25, 40, n_frames=45), N, GAMMA)
    held = held_of(10, 25, 40, n_frames=50)
    held[error_step + 1 :] = 0
    labels = after_error(demonstrated, error_step, held, N, stays=False)
    np.testing.assert_array_equal(labels.overall[: error_step + 1], demonstrated.overall[: error_step + 1])
    np.testing.assert_array_equal(labels.overall[error_step + 1 :], -1)
    assert labels.overall[-1] < labels.overall[error_step]


def test_whoever_stops_neither_gains_nor_loses_unless_a_subgoal_comes_true() -> None:
    demonstrated = of_episode(held_of(10, 25, 40, n_frames=45), N, GAMMA)
    held = np.ones(30, dtype=int)
    labels = after_error(demonstrated, 15, held, N, stays=True)
    assert set(labels.overall[15:]) == {demonstrated.overall[15]}
    assert set(labels.released[15:]) == {demonstrated.released[15]}
    held[28:] = N
    labels = after_error(demonstrated, 15, held, N, stays=True)
    np.testing.assert_array_equal(labels.overall[28:], 1)
    np.testing.assert_array_equal(labels.released[28:], 1)


def test_a_part_that_reaches_beyond_the_end_repeats_the_last_label() -> None:
    labels = Progress(np.array([0.1, 0.2]), np.array([0.3, 0.4]))
    np.testing.assert_array_equal(labels.part(1, 3).overall, [0.2, 0.2, 0.2])


def test_all_that_is_held_is_done() -> None:
    labels = fallen(np.array([0, N]), N)
    np.testing.assert_array_equal(labels.overall, [-1, 1])
    np.testing.assert_array_equal(labels.released, [-1, 1])


def test_what_is_reached_behind_the_last_frame_counts_as_if_it_were_seen() -> None:
    whole = of_episode(held_of(10, 25, 40, n_frames=45), N, GAMMA)
    part = towards([10 - 8, 25 - 8, 40 - 8], held_of(2, n_frames=17), N, GAMMA)
    np.testing.assert_allclose(part.overall, whole.overall[8:25], atol=1e-12)
    np.testing.assert_allclose(part.released, whole.released[8:25], atol=1e-12)
