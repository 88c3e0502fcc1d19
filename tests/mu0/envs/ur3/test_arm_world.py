"""Going back in time gives the same bits, in the same world and in another; both robots do the task."""

import numpy as np
import pytest

from mu0.envs.levels import LEVEL_NAMES, Level
from mu0.envs.ur3.arm_world import Episode
from mu0.envs.ur3.demonstrator import demonstrate
from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.kinematics import UR3
from mu0.errors import SimulationError


def play(world: Ur3Environment, n_steps: int) -> np.ndarray:
    """Physics after some steps towards the target, with a push on the way."""
    x, y, _ = world.target_position_m()
    for k in range(n_steps):
        world.advance(np.array([x, y, 0.05, 0.1 * k, float(k > n_steps // 2)]))
    return world.snapshot().physics


def test_a_restored_moment_goes_on_to_the_last_bit(blind_environment: Ur3Environment) -> None:
    blind_environment.begin(Episode(7, variant=1, moving_camera=True))
    play(blind_environment, 6)
    moment = blind_environment.snapshot()
    then = play(blind_environment, 6)
    blind_environment.restore(moment)
    np.testing.assert_array_equal(play(blind_environment, 6), then)


@pytest.mark.slow
def test_another_world_is_laid_out_for_the_moment_that_it_is_given(environment: Ur3Environment) -> None:
    environment.begin(Episode(7, variant=1, moving_camera=True))
    play(environment, 6)
    moment, seen = environment.snapshot(), environment.observe()
    environment.reset(8)
    environment.restore(moment)
    again = environment.observe()
    np.testing.assert_array_equal(again.image, seen.image)
    np.testing.assert_array_equal(again.wrist_image, seen.wrist_image)
    assert again.instruction == seen.instruction


def test_what_was_lifted_is_part_of_a_moment(blind_environment: Ur3Environment) -> None:
    blind_environment.reset(7)
    before = blind_environment.snapshot()
    blind_environment.was_lifted = True
    lifted = blind_environment.snapshot()
    blind_environment.restore(before)
    assert blind_environment.score() == 0
    blind_environment.restore(lifted)
    assert blind_environment.score() == 0.5


def test_a_moment_of_another_model_is_refused(blind_environment: Ur3Environment) -> None:
    other = Ur3Environment(render=False, level="unseen_objects")
    other.reset(1)
    with pytest.raises(SimulationError, match=r"(?s)snapshot holds.*same task and settings"):
        blind_environment.restore(other.snapshot())


def test_an_action_of_another_length_is_refused(blind_environment: Ur3Environment) -> None:
    blind_environment.reset(4)
    with pytest.raises(SimulationError, match=r"(?s)has 6 numbers.*1 angles"):
        blind_environment.advance(np.zeros(6))


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVEL_NAMES)
def test_demonstrations_succeed_at_every_level(level: Level) -> None:
    world = Ur3Environment(render=False, level=level)
    for seed in range(4):
        world.reset(seed)
        for _, executed in demonstrate(world):
            world.advance(executed)
        assert world.score() == 1.0, (level, seed, world.instruction)


@pytest.mark.slow
def test_the_older_ur3_does_the_task_too() -> None:
    world = Ur3Environment(render=False, robot=UR3)
    for seed in range(4):
        world.reset(seed)
        for _, executed in demonstrate(world):
            world.advance(executed)
        assert world.is_success(), (seed, world.instruction)
