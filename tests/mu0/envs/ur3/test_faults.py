"""Each error does what its name says, begins where it is said to, and spoils the episode."""

import numpy as np
import pytest

from mu0.envs.objects import EVERY_KIND
from mu0.envs.tabletop import is_in_sink
from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.faults import (
    BESIDE_M,
    FAULT_KINDS,
    MISS_M,
    STALL_STEPS,
    Fault,
    FaultKind,
    demonstrate_faultily,
    draw_fault,
    first_difference,
    other_things,
)
from mu0.envs.ur3.pour.environment import PourEnvironment
from mu0.envs.ur3.tasks import TASKS
from mu0.errors import SimulationError

PICK = TASKS["pick"]
SCENE_OF_TWO = 0  # a second thing lies there
Played = tuple[np.ndarray, np.ndarray, list[str]]


def play(world: Ur3Environment, script_of: str | Fault, seed: int = SCENE_OF_TWO) -> Played:
    """Commands, the target's places before each and at the end, and phases."""
    world.reset(seed)
    disturbance = np.random.default_rng([seed, 2])
    script = (
        PICK.demonstrate(world, disturbance)
        if isinstance(script_of, str)
        else demonstrate_faultily(PICK, world, script_of, disturbance)
    )
    commands, places_m, phases = [], [world.target_position_m()], []
    for phase, _, executed in script:
        commands.append(executed.copy())
        phases.append(phase)
        world.advance(executed)
        places_m.append(world.target_position_m())
    return np.array(commands), np.array(places_m), phases


def drawn(kind: FaultKind, seed: int = 5) -> Fault:
    return draw_fault(kind, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_until_the_error_it_is_the_demonstration_and_then_it_fails(
    blind_environment: Ur3Environment, kind: FaultKind
) -> None:
    good, good_places_m, _ = play(blind_environment, "demonstration")
    assert blind_environment.is_success()
    bad, bad_places_m, _ = play(blind_environment, drawn(kind))
    assert not blind_environment.is_success()
    step = first_difference(good, bad)
    assert step < min(len(good), len(bad))
    np.testing.assert_array_equal(good_places_m[: step + 1], bad_places_m[: step + 1])


def test_a_miss_closes_the_hand_beside_the_thing(blind_environment: Ur3Environment) -> None:
    commands, places_m, phases = play(blind_environment, drawn("miss"))
    closes = phases.index("grasp")
    aside_m = float(np.linalg.norm(commands[closes, :2] - places_m[0, :2]))
    assert MISS_M[0] - 1e-6 <= aside_m <= MISS_M[1] + 1e-6


def test_a_hand_that_opens_early_drops_the_thing_on_the_way(blind_environment: Ur3Environment) -> None:
    fault = drawn("early_open")
    commands, places_m, phases = play(blind_environment, fault)
    opens = int(np.flatnonzero(np.diff(commands[:, -1]) < 0)[0]) + 1
    assert phases[opens] == fault.phase
    assert phases[: opens + 1].count(fault.phase) == fault.steps_into + 1
    assert (commands[opens:, -1] == 0).all()
    assert places_m[-1, 2] < 0.08


def test_another_thing_is_taken(blind_environment: Ur3Environment) -> None:
    blind_environment.reset(SCENE_OF_TWO)
    [other] = other_things(blind_environment)
    _, places_m, _ = play(blind_environment, drawn("wrong_object"))
    assert np.linalg.norm(places_m[-1] - places_m[0]) < 0.01
    taken_m = blind_environment.data.joint(other.kind).qpos[:3]
    assert is_in_sink(taken_m, blind_environment.layout.sink_xy_m)


def test_a_wrong_place_lies_beside_the_goal(blind_environment: Ur3Environment) -> None:
    commands, places_m, phases = play(blind_environment, drawn("wrong_place"))
    sink_m = blind_environment.layout.sink_xy_m
    let_go = phases.index("release")
    assert BESIDE_M[0] - 1e-6 <= np.linalg.norm(commands[let_go, :2] - sink_m) <= BESIDE_M[1] + 1e-6
    assert places_m[let_go, 2] > EVERY_KIND[blind_environment.target.kind].rest_height_m + 0.03


def test_a_stall_repeats_one_command(blind_environment: Ur3Environment) -> None:
    commands, _, _ = play(blind_environment, drawn("stall"))
    assert (commands[-STALL_STEPS:] == commands[-STALL_STEPS - 1]).all()
    assert (commands[-STALL_STEPS - 2] != commands[-STALL_STEPS - 1]).any()


def test_a_hand_that_does_not_close_never_does(blind_environment: Ur3Environment) -> None:
    commands, places_m, _ = play(blind_environment, drawn("no_close"))
    assert (commands[:, -1] == 0).all()
    assert places_m[:, 2].max() < places_m[0, 2] + 0.02


def test_one_thing_alone_cannot_be_confused(blind_environment: Ur3Environment) -> None:
    alone = next(seed for seed in range(50) if not _others(blind_environment, seed))
    with pytest.raises(SimulationError, match=f"nothing but the target in scene {alone}"):
        play(blind_environment, drawn("wrong_object"), seed=alone)


def _others(world: Ur3Environment, seed: int) -> int:
    world.reset(seed)
    return len(other_things(world))


def test_a_task_without_such_an_error_says_which_it_has(pouring: PourEnvironment) -> None:
    pouring.reset(0)
    with pytest.raises(SimulationError, match=r"(?s)pour has no fault wrong_object.*miss, early_open"):
        demonstrate_faultily(TASKS["pour"], pouring, drawn("wrong_object"))


def test_the_first_row_that_differs_is_found() -> None:
    one = np.zeros((4, 2))
    other = one.copy()
    other[2, 1] = 1e-9
    assert first_difference(one, other) == 2
    assert first_difference(one, one[:3]) == 3
