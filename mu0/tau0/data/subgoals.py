"""Subgoals of the tasks of the arm, how many of them hold in a moment, and where the thing is.

    pick    lifted, above the sink, released and still
    pour    the cup lifted, above the bowl, poured
    towel   taken hold of, half open, spread out

They hold one after the other: what is above the sink is lifted. Truth is the simulator's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from mu0.envs.objects import EVERY_KIND
from mu0.envs.tabletop import SINK_HALF_M
from mu0.envs.ur3.arm_world import ArmWorld
from mu0.envs.ur3.environment import LIFTED_M, Ur3Environment
from mu0.envs.ur3.pour.environment import DROP_M, PourEnvironment
from mu0.envs.ur3.towel.towel_environment import TowelEnvironment

OVER_BOWL_M = 0.06
HALF_OPEN = 0.5


@dataclass(frozen=True)
class Subgoals:
    """Names in order, how many of them hold in a world, and where the thing that they are about is [m]."""

    names: tuple[str, ...]
    held: Callable[[ArmWorld], int]
    thing_m: Callable[[ArmWorld], Float[np.ndarray, " 3"]]


def _held_of_pick(world: ArmWorld) -> int:
    assert isinstance(world, Ur3Environment)
    if world.is_success():
        return 3
    place_m = world.target_position_m()
    if place_m[2] <= EVERY_KIND[world.target.kind].rest_height_m + LIFTED_M:
        return 0
    is_above = (np.abs(place_m[:2] - world.layout.sink_xy_m) < SINK_HALF_M).all()
    return 2 if is_above else 1


def _held_of_pour(world: ArmWorld) -> int:
    assert isinstance(world, PourEnvironment)
    if world.is_success():
        return 3
    place_m, _ = world.cup_pose()
    if not world.holds_cup() or place_m[2] <= DROP_M:
        return 0
    is_above = np.linalg.norm(place_m[:2] - np.asarray(world.layout.bowl_xy_m)) < OVER_BOWL_M
    return 2 if is_above else 1


def _held_of_towel(world: ArmWorld) -> int:
    assert isinstance(world, TowelEnvironment)
    if world.is_success():
        return 3
    if world.score() >= HALF_OPEN:
        return 2
    return int(world.held_point() is not None)


def _target_m(world: ArmWorld) -> Float[np.ndarray, " 3"]:
    assert isinstance(world, Ur3Environment)
    return world.target_position_m()


def _cup_m(world: ArmWorld) -> Float[np.ndarray, " 3"]:
    assert isinstance(world, PourEnvironment)
    return world.cup_pose()[0]


def _middle_of_towel_m(world: ArmWorld) -> Float[np.ndarray, " 3"]:
    assert isinstance(world, TowelEnvironment)
    return world.points_m().mean(axis=0)


SUBGOALS = MappingProxyType(
    {
        "pick": Subgoals(("lifted", "above the sink", "released and still"), _held_of_pick, _target_m),
        "pour": Subgoals(("cup lifted", "above the bowl", "poured"), _held_of_pour, _cup_m),
        "towel": Subgoals(("taken hold of", "half open", "spread out"), _held_of_towel, _middle_of_towel_m),
    }
)
