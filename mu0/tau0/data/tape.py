"""One recording: what both cameras saw, what was commanded, and which subgoals held, frame by frame.

A recording of n steps has n + 1 frames. Row t of `wanted` and `executed` is the command that leads from frame
t to frame t + 1; the last row holds the command that the arm ended with, which moves nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from mu0.envs.ur3.arm_world import ArmWorld, Snapshot
from mu0.envs.ur3.script import Scripted
from mu0.records import Observation
from mu0.tau0.data.subgoals import Subgoals


@dataclass(frozen=True)
class Recording:
    """What happened.

    `front`, `wrist`: pictures. `state`: numbers of `ArmWorld.state`. `wanted`: what the actor wanted;
    `executed`: what was done, disturbances and errors included. `thing_m`: where the thing is, base frame.
    `held`: subgoals that hold. Hand video has neither wrist pictures nor numbers.
    """

    front: UInt8[np.ndarray, "t h w 3"] | None
    wrist: UInt8[np.ndarray, "t p p 3"] | None
    state: Float[np.ndarray, "t state"] | None
    wanted: Float[np.ndarray, "t action"] | None
    executed: Float[np.ndarray, "t action"] | None
    thing_m: Float[np.ndarray, "t 3"] | None
    held: Int[np.ndarray, " t"] | None

    @property
    def n_frames(self) -> int:
        """Frames, one more than steps."""
        seen = self.front if self.front is not None else self.wrist
        assert seen is not None
        return len(seen)


def play(
    world: ArmWorld, first: Observation, script: Iterable[Scripted], subgoals: Subgoals
) -> tuple[Recording, list[Snapshot]]:
    """Execute a script and record it.

    Args:
        world: At the moment of `first`.
        first: What is seen before the first step.
        script: Phase, wanted and executed action of each step.
        subgoals: Of the task.

    Returns:
        The recording, and a snapshot before each step.
    """
    snapshots: list[Snapshot] = []
    seen, states = [first], [world.state()]
    things_m, holding = [subgoals.thing_m(world)], [subgoals.held(world)]
    wanted_rows, executed_rows = [], []
    for _, wanted, executed in script:
        snapshots.append(world.snapshot())
        wanted_rows.append(wanted.copy())
        executed_rows.append(executed.copy())
        observation, _ = world.step(executed)
        seen.append(observation)
        states.append(world.state())
        things_m.append(subgoals.thing_m(world))
        holding.append(subgoals.held(world))
    for rows in (wanted_rows, executed_rows):
        rows.append(world.command.copy())
    recording = Recording(
        front=np.stack([each.image for each in seen], axis=0),
        wrist=np.stack([each.wrist_image for each in seen if each.wrist_image is not None], axis=0),
        state=np.stack(states, axis=0),
        wanted=np.stack(wanted_rows, axis=0),
        executed=np.stack(executed_rows, axis=0),
        thing_m=np.stack(things_m, axis=0),
        held=np.array(holding, dtype=np.int32),
    )
    return recording, snapshots


def rehearse(
    world: ArmWorld, script: Iterable[Scripted], subgoals: Subgoals
) -> tuple[Float[np.ndarray, "n action"], Int[np.ndarray, " t"]]:
    """Execute a script without taking pictures; the executed commands, and how many subgoals held."""
    rows, holding = [], [subgoals.held(world)]
    for _, _, executed in script:
        rows.append(executed.copy())
        world.advance(executed)
        holding.append(subgoals.held(world))
    return np.stack(rows, axis=0), np.array(holding, dtype=np.int32)
