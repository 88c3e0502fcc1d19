"""The scripted expert pours, also when it is disturbed, with the older arm, and at every level."""

from itertools import groupby

import numpy as np
import pytest

from mu0.envs.levels import Level
from mu0.envs.ur3.kinematics import UR3, UR3E, RobotNumbers
from mu0.envs.ur3.pour.demonstrator import demonstrate_pouring
from mu0.envs.ur3.pour.environment import PourEnvironment


def play(world: PourEnvironment, seed: int, disturbance: np.random.Generator | None = None) -> list[str]:
    """Phases of an episode, each once for every time it begins."""
    world.reset(seed)
    phases = []
    for phase, _, executed in demonstrate_pouring(world, disturbance):
        phases.append(phase)
        world.advance(executed)
    return [phase for phase, _ in groupby(phases)]


@pytest.mark.slow
def test_the_phases_tell_what_happens_and_the_cup_ends_where_it_was(pouring: PourEnvironment) -> None:
    phases = ["reach", "grasp", "lift", "transport", "pour", "transport", "place", "release", "retreat"]
    assert play(pouring, 0) == phases
    assert pouring.is_success()
    place_m, _ = pouring.cup_pose()
    np.testing.assert_allclose(place_m[:2], pouring.layout.cup_xy_m, atol=0.01)


@pytest.mark.slow
def test_disturbed_demonstrations_succeed(pouring: PourEnvironment) -> None:
    for seed in range(2):
        play(pouring, seed, np.random.default_rng(seed))
        assert pouring.is_success(), pouring.count()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("level", "robot", "n_almonds"),
    [
        ("in_distribution", UR3E, 30),
        ("unseen_objects", UR3E, 30),
        ("layouts", UR3E, 12),
        ("textures", UR3, 12),
        ("layouts", UR3, 12),
    ],
)
def test_demonstrations_succeed_at_every_level(level: Level, robot: RobotNumbers, n_almonds: int) -> None:
    world = PourEnvironment(render=False, level=level, robot=robot, n_almonds=n_almonds)
    for seed in range(2):
        play(world, seed)
        assert world.is_success(), (level, robot.name, seed, world.count())
