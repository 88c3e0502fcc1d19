"""The scripted expert unfolds towels, also when disturbed; it knows where points belong."""

import numpy as np
import pytest

from mu0.envs.levels import LEVEL_NAMES, Level
from mu0.envs.phases import HOLDING
from mu0.envs.ur3.kinematics import UR3
from mu0.envs.ur3.towel.cloth import flat_points
from mu0.envs.ur3.towel.towel_environment import TowelEnvironment
from mu0.envs.ur3.towel.unfolding import demonstrate_unfolding, places_m

LONGEST = 300


def play(world: TowelEnvironment, seed: int, disturbance: np.random.Generator | None = None) -> int:
    """Steps of a demonstration."""
    world.reset(seed)
    for _, _, executed in demonstrate_unfolding(world, disturbance):
        world.advance(executed)
    return world.n_steps


def test_places_are_those_of_the_flat_towel_that_the_lower_half_tells() -> None:
    size_m = np.array([0.2, 0.24])
    cosine, sine = np.cos(2.5), np.sin(2.5)
    lies = flat_points(size_m) @ np.array([[cosine, sine], [-sine, cosine]]) + [0.3, -0.05]
    folded = lies.copy()
    folded[60:] = 0.0  # wherever the upper half is
    np.testing.assert_allclose(places_m(folded, size_m), lies, atol=1e-12)


@pytest.mark.slow
def test_a_demonstration_spreads_the_towel_out_in_drags(towel: TowelEnvironment) -> None:
    towel.reset(0)
    phases, held = [], []
    for phase, wanted, executed in demonstrate_unfolding(towel):
        np.testing.assert_array_equal(wanted, executed)
        if phase in HOLDING:
            held.append(towel.held_point() is not None)
        if not phases or phases[-1] != phase:
            phases.append(phase)
        towel.advance(executed)
    drag = ["reach", "grasp", "lift", "transport", "place", "release", "retreat"]
    assert phases == drag * (len(phases) // len(drag))
    assert all(held)
    assert towel.is_success()
    assert towel.score() > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVEL_NAMES)
def test_demonstrations_unfold_at_every_level(level: Level) -> None:
    world = TowelEnvironment(render=False, level=level)
    for seed in range(2):
        assert play(world, seed) <= LONGEST
        assert world.is_success(), (level, seed, world.coverage)


@pytest.mark.slow
def test_disturbed_demonstrations_unfold_and_repeat(towel: TowelEnvironment) -> None:
    ends = []
    for seed in (2, 2):
        assert play(towel, seed, np.random.default_rng(seed)) <= LONGEST
        assert towel.is_success(), (seed, towel.coverage)
        ends.append(towel.snapshot().physics)
    np.testing.assert_array_equal(*ends)


@pytest.mark.slow
def test_the_older_ur3_unfolds_too() -> None:
    world = TowelEnvironment(render=False, robot=UR3)
    for seed in range(2):
        play(world, seed)
        assert world.is_success(), (seed, world.coverage)
