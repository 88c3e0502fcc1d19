"""Recording one scene: the demonstration, then what else is asked for, all from the same beginning.

    begin ── demonstration, with a snapshot before each step
    begin ── the same with one error             (equal bits until the error)
    begin ── the same by a clumsy arm
    snapshot of a moment ── one branch per chunk (equal bits in their first frame)

The disturbances of demonstration and error come from one seed. A scene depends on its job alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from mu0.envs.hand import HandScene
from mu0.envs.ur3.arm_world import ArmWorld, Episode, Snapshot
from mu0.envs.ur3.faults import FaultKind, demonstrate_faultily, draw_fault, first_difference
from mu0.envs.ur3.script import Scripted
from mu0.envs.ur3.tasks import Task, find_task
from mu0.errors import SimulationError
from mu0.tau0.data.chunks import choose_start, chunk_from
from mu0.tau0.data.clumsy import demonstrate_clumsily
from mu0.tau0.data.labels import completions
from mu0.tau0.data.scene_plan import SceneJob
from mu0.tau0.data.subgoals import SUBGOALS
from mu0.tau0.data.tape import Recording, play, rehearse

MAX_WORLDS = 3
DISTURBANCES, ERRORS, MISAIMS, MOMENTS = 2, 3, 4, 5  # streams of a scene's seed
NONE = -1


@dataclass(frozen=True)
class Told:
    """What is known of a recording besides its frames.

    Attributes:
        kind: demonstration, fault, rollout, branch, hand or umi.
        instruction: What is to be done.
        success: Whether it was, at the end.
        fault: The error in it, empty without one.
        error_step: Its first command that differs from the demonstration's; -1 without one.
        group: Number of the moment it branches off from, -1 if it does not.
        chunk: What is done from there.
        start_step: Step of the demonstration at which its first frame lies.
        reaches: Of a branch with an error that was harmless: frames, counted from its first one, in which
            the episode reaches its subgoals, also after the branch's end.
    """

    kind: str
    instruction: str
    success: bool
    fault: str = ""
    error_step: int = NONE
    group: int = NONE
    chunk: str = ""
    start_step: int = 0
    reaches: tuple[int, ...] = ()


Recorded = tuple[Told, Recording]


def record_scene(job: SceneJob) -> list[Recorded]:
    """Everything that is asked for of a scene.

    Raises:
        SimulationError: An error changes nothing, or the demonstration is shorter than a chunk.
    """
    if job.source == "hand":
        return [_record_hand(job)]
    task = find_task(job.task)
    world = _world(job.task, job.image_size_px)
    demonstration, snapshots = _record(job, task, world, _demonstration(job, task, world))
    if job.source == "umi":
        seen_by_hand = Recording(None, demonstration.wrist, *_numbers(demonstration))
        return [(Told("umi", world.instruction, world.is_success()), seen_by_hand)]
    recorded = [(Told("demonstration", world.instruction, world.is_success()), demonstration)]
    if job.fault:
        recorded.append(_record_fault(job, task, world, job.fault, demonstration))
    if job.rollout:
        rollout, _ = _record(job, task, world, _clumsy(job, task, world))
        recorded.append((Told("rollout", world.instruction, world.is_success()), rollout))
    for group, kind in enumerate(job.groups):
        recorded += _record_group(job, task, world, (group, kind), (demonstration, snapshots))
    return recorded


@lru_cache(maxsize=MAX_WORLDS)
def _world(task: str, image_size_px: int) -> ArmWorld:
    """Compiling a world and opening its renderer takes as long as half a scene: a process keeps it."""
    return find_task(task).make(image_size_px)


@lru_cache(maxsize=1)
def _hand_scene(image_size_px: int) -> HandScene:
    return HandScene(image_size_px, image_size_px)


def _rng(job: SceneJob, *stream: int) -> np.random.Generator:
    return np.random.default_rng([job.seed, *stream])


def _demonstration(job: SceneJob, task: Task, world: ArmWorld) -> Iterator[Scripted]:
    """Generators begin when they are asked: the world has been reset by then."""
    yield from task.demonstrate(world, _rng(job, DISTURBANCES))


def _clumsy(job: SceneJob, task: Task, world: ArmWorld) -> Iterator[Scripted]:
    yield from demonstrate_clumsily(task, world, _rng(job, MISAIMS))


def _faulty(
    job: SceneJob, task: Task, world: ArmWorld, kind: FaultKind, group: int = 0
) -> Iterator[Scripted]:
    fault = draw_fault(kind, _rng(job, ERRORS, group))
    yield from demonstrate_faultily(task, world, fault, _rng(job, DISTURBANCES))


def _record(
    job: SceneJob, task: Task, world: ArmWorld, script: Iterator[Scripted]
) -> tuple[Recording, list[Snapshot]]:
    return play(world, world.begin(Episode(job.seed)), script, SUBGOALS[task.name])


def _record_fault(
    job: SceneJob, task: Task, world: ArmWorld, kind: FaultKind, demonstration: Recording
) -> Recorded:
    recording, _ = _record(job, task, world, _faulty(job, task, world, kind))
    assert recording.executed is not None
    error_step = _error_step(job, kind, _steps(demonstration), _steps(recording))
    return Told("fault", world.instruction, world.is_success(), kind, error_step), recording


def _record_group(
    job: SceneJob,
    task: Task,
    world: ArmWorld,
    numbered: tuple[int, FaultKind],
    played: tuple[Recording, list[Snapshot]],
) -> Iterator[Recorded]:
    group, kind = numbered
    demonstration, snapshots = played
    demonstrated, subgoals = _steps(demonstration), SUBGOALS[task.name]
    world.begin(Episode(job.seed))
    faulty, held = rehearse(world, _faulty(job, task, world, kind, group), subgoals)
    reached = completions(held, len(subgoals.names)) if world.is_success() else ()
    error_step = _error_step(job, kind, demonstrated, faulty)
    start = choose_start(error_step, len(demonstrated), job.chunk_steps, _rng(job, MOMENTS, group))
    moment = snapshots[start]
    original = demonstrated[start : start + job.chunk_steps]
    for name in job.chunks:
        commands = chunk_from(name, start, job.chunk_steps, moment.command, demonstrated, faulty)
        recording = _branch(world, task, moment, commands)
        differs = NONE if name == "demonstrated" else first_difference(original, commands)
        told = Told(
            kind="branch",
            instruction=world.instruction,
            success=world.is_success(),
            fault=kind if name == "faulty" else "",
            error_step=differs,
            group=group,
            chunk=name,
            start_step=start,
            reaches=tuple(frame - start for frame in reached) if name == "faulty" else (),
        )
        yield told, recording


def _branch(
    world: ArmWorld, task: Task, moment: Snapshot, commands: Float[np.ndarray, "n action"]
) -> Recording:
    world.restore(moment)
    script: Iterator[Scripted] = (("transport", row.copy(), row.copy()) for row in commands)
    recording, _ = play(world, world.observe(), script, SUBGOALS[task.name])
    return recording


def _steps(recording: Recording) -> Float[np.ndarray, "n action"]:
    """The commands that were executed, without the row of the last frame."""
    assert recording.executed is not None
    return recording.executed[:-1]


def _numbers(recording: Recording) -> tuple[np.ndarray | None, ...]:
    return recording.state, recording.wanted, recording.executed, recording.thing_m, recording.held


def _error_step(
    job: SceneJob,
    kind: FaultKind,
    demonstrated: Float[np.ndarray, "n action"],
    faulty: Float[np.ndarray, "m action"],
) -> int:
    step = first_difference(demonstrated, faulty)
    if step == min(len(demonstrated), len(faulty)):
        raise SimulationError(
            f"The fault {kind} changes no command of scene {job.scene_id}.",
            expected="a first step in which it differs from the demonstration",
            remedy="leave it out of tau0_data.fault_kinds in params.yaml.",
        )
    return step


def _record_hand(job: SceneJob) -> Recorded:
    scene = _hand_scene(job.image_size_px)
    scene.reset_variant(job.seed, 0)
    frames = [scene.renderer.colours(scene.front_camera()) for _ in scene.play()]
    seen = Recording(np.stack(frames, axis=0), None, None, None, None, None, None)
    return Told("hand", scene.instruction, scene.is_success()), seen
