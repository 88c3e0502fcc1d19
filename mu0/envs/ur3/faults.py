"""One error put into a demonstrator: what to learn failing from, and whose beginning is known.

    miss          the descent goes 5 to 8 cm beside the thing; nearer, the hand often gets it all the same
    early_open    the hand opens while it lifts or carries
    wrong_object  another thing is taken
    wrong_place   what is carried is brought 16 to 24 cm beside the goal, which is beyond the sink's walls
    stall         the arm stops, and stays so
    no_close      the hand does not close

Everything before the error is the demonstration to the last bit, if both draw the same disturbances; the
first command that differs is the error's first step (`first_difference`). What follows is as the simulator
has it: an error may be harmless, as when a thing that is let go falls into the sink.

A script that repeats itself, as that of the towel does, ends after the attempt that went wrong.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from mu0.envs.layout import PlacedObject
from mu0.envs.phases import PhaseName
from mu0.envs.ur3.arm_world import WORKSPACE_M, ArmWorld
from mu0.envs.ur3.demonstrator import plan_picking
from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.script import Phase, Scripted, follow
from mu0.envs.ur3.tasks import Task
from mu0.errors import SimulationError

FaultKind = Literal["miss", "early_open", "wrong_object", "wrong_place", "stall", "no_close"]
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
ONE_THING: tuple[FaultKind, ...] = ("miss", "early_open", "wrong_place", "stall", "no_close")
KINDS_OF = MappingProxyType({"pick": FAULT_KINDS, "pour": ONE_THING, "towel": ONE_THING})
MISS_M, BESIDE_M = (0.05, 0.08), (0.16, 0.24)
OPENS_IN: tuple[PhaseName, ...] = ("lift", "transport")
STALLS_IN: tuple[PhaseName, ...] = ("reach", "lift", "transport")
MOST_STEPS_INTO = 4
STALL_STEPS = 25
HAND = -1  # place of the gripper in an action


@dataclass(frozen=True)
class Fault:
    """What goes wrong.

    Attributes:
        kind: Of the error.
        phase: In which the hand opens too early, or the arm stops.
        steps_into: How many steps of that phase go well.
        offset_m: How far beside, x and y.
    """

    kind: FaultKind
    phase: PhaseName
    steps_into: int
    offset_m: Float[np.ndarray, " 2"]


def draw_fault(kind: FaultKind, rng: np.random.Generator) -> Fault:
    """An error of that kind: where, how far beside, how late."""
    phases = OPENS_IN if kind == "early_open" else STALLS_IN
    nearest_m, farthest_m = BESIDE_M if kind == "wrong_place" else MISS_M
    angle_rad, length_m = rng.uniform(-np.pi, np.pi), rng.uniform(nearest_m, farthest_m)
    offset_m = length_m * np.array([np.cos(angle_rad), np.sin(angle_rad)])
    return Fault(
        kind, phases[int(rng.integers(len(phases)))], int(rng.integers(1, MOST_STEPS_INTO + 1)), offset_m
    )


def other_things(world: ArmWorld) -> tuple[PlacedObject, ...]:
    """What else lies there that could be taken for the target."""
    if not isinstance(world, Ur3Environment):
        return ()
    return tuple(thing for thing in world.layout.objects if thing.kind != world.target.kind)


def demonstrate_faultily(
    task: Task, world: ArmWorld, fault: Fault, disturbance: np.random.Generator | None = None
) -> Iterator[Scripted]:
    """Yield phase, wanted and executed action for the episode that `world` has just been reset to.

    The caller executes each before it asks for the next.

    Args:
        task: The task of `world`.
        world: Has just been reset.
        fault: What goes wrong.
        disturbance: Draws the disturbances; None executes what is wanted.

    Raises:
        SimulationError: The task knows no such error, or there is no other thing to take.
    """
    if fault.kind not in KINDS_OF[task.name]:
        raise SimulationError(
            f"The task {task.name} has no fault {fault.kind}.",
            expected=f"one of {', '.join(KINDS_OF[task.name])}",
            remedy="choose one of them.",
        )
    plan = _first_attempt(_planned(task, world, fault))
    script = follow(_displaced(plan, fault), world, disturbance)
    return _meddled(script, world, fault)


def first_difference(one: Float[np.ndarray, "n action"], other: Float[np.ndarray, "m action"]) -> int:
    """The first row in which two lists of commands differ; the length of the shorter one if none does."""
    shorter = min(len(one), len(other))
    rows = np.flatnonzero((one[:shorter] != other[:shorter]).any(axis=1))
    return int(rows[0]) if len(rows) else shorter


def _planned(task: Task, world: ArmWorld, fault: Fault) -> Iterable[Phase]:
    if fault.kind != "wrong_object":
        return task.plan(world)
    others = other_things(world)
    if not others or not isinstance(world, Ur3Environment):
        raise SimulationError(
            f"There is nothing but the target in scene {world.episode.seed}.",
            expected="another thing that can be taken for it",
            remedy="choose another scene or another fault.",
        )
    return plan_picking(world, others[0])


def _first_attempt(plan: Iterable[Phase]) -> Iterator[Phase]:
    for phase in plan:
        yield phase
        if phase.name == "retreat":
            return


def _displaced(plan: Iterable[Phase], fault: Fault) -> Iterator[Phase]:
    """The descent, or the way to the goal until it was reached, moved beside."""
    seen: set[PhaseName] = set()
    for phase in plan:
        is_descent = (phase.name == "reach" and "reach" in seen) or phase.name == "grasp"
        is_on_the_way = phase.name in {"transport", "pour", "place", "release", "retreat"}
        has_poured = "pour" in seen and phase.name != "pour"
        seen.add(phase.name)
        is_moved = (fault.kind == "miss" and is_descent) or (
            fault.kind == "wrong_place" and is_on_the_way and not has_poured
        )
        yield replace(phase, pose=_beside(phase.pose, fault.offset_m)) if is_moved else phase


def _beside(
    pose: Float[np.ndarray, " pose"], offset_m: Float[np.ndarray, " 2"]
) -> Float[np.ndarray, " pose"]:
    """The pose moved by an offset, to the other side where the workspace would shorten the way."""
    moved = pose.copy()
    moved[:2] += offset_m
    if (moved[:2] != np.clip(moved[:2], *WORKSPACE_M[:2].T)).any():
        moved[:2] = pose[:2] - offset_m
    return moved


def _meddled(script: Iterator[Scripted], world: ArmWorld, fault: Fault) -> Iterator[Scripted]:
    """The script with a hand that is open when it should not be, or cut off by a stall."""
    if fault.kind == "stall":
        yield from _stalled(script, world, fault)
        return
    has_begun, n_in_phase = fault.kind == "no_close", 0
    for phase, wanted, executed in script:
        n_in_phase += phase == fault.phase
        has_begun = has_begun or (fault.kind == "early_open" and n_in_phase > fault.steps_into)
        if has_begun:
            wanted[HAND] = executed[HAND] = 0.0
        yield phase, wanted, executed


def _stalled(script: Iterator[Scripted], world: ArmWorld, fault: Fault) -> Iterator[Scripted]:
    n_in_phase = 0
    for step in script:
        n_in_phase += step[0] == fault.phase
        if n_in_phase > fault.steps_into:
            for _ in range(STALL_STEPS):
                yield step[0], world.command.copy(), world.command.copy()
            return
        yield step
