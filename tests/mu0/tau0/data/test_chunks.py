"""Chunks of commands from one moment: which they are, and when they begin."""

import numpy as np
import pytest

from mu0.errors import SimulationError
from mu0.tau0.data.chunks import choose_start, chunk_from, mirrored

COMMAND = np.array([0.3, 0.1, 0.2, 0.5, 0.0])


def way(n_steps: int) -> np.ndarray:
    steps = np.arange(1, n_steps + 1)[:, None] * np.array([0.01, -0.02, 0.0, 0.1, 0.0])
    return COMMAND + steps + np.array([0, 0, 0, 0, 1.0]) * (np.arange(n_steps) > 2)[:, None]


def test_to_hold_is_to_stay() -> None:
    held = chunk_from("hold", 0, 4, COMMAND, way(10), way(10))
    np.testing.assert_array_equal(held, np.tile(COMMAND, (4, 1)))


def test_commands_that_end_stay_as_they_are() -> None:
    faulty = chunk_from("faulty", 8, 5, COMMAND, way(20), way(10))
    np.testing.assert_array_equal(faulty[:2], way(10)[8:])
    np.testing.assert_array_equal(faulty[2:], np.tile(way(10)[-1], (3, 1)))


def test_the_mirrored_way_leads_as_far_to_the_other_side_with_the_same_hand() -> None:
    original = way(6)
    opposite = mirrored(original, COMMAND)
    np.testing.assert_allclose(opposite[:, :4] - COMMAND[:4], COMMAND[:4] - original[:, :4], atol=1e-12)
    np.testing.assert_array_equal(opposite[:, 4], original[:, 4])
    np.testing.assert_allclose(mirrored(opposite, COMMAND), original, atol=1e-12)


@pytest.mark.parametrize("error_step", [0, 3, 30, 59])
def test_an_error_begins_within_its_chunk(error_step: int) -> None:
    for seed in range(20):
        start = choose_start(error_step, 60, 16, np.random.default_rng(seed))
        assert 0 <= start <= error_step < start + 16
        assert start + 16 <= 60


def test_a_demonstration_shorter_than_a_chunk_is_refused() -> None:
    with pytest.raises(SimulationError, match="has 10 steps"):
        choose_start(3, 10, 16, np.random.default_rng(0))
