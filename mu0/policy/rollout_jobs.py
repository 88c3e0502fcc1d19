"""All rollouts of a report: the same scenes for everyone, spread over processes, kept one by one.

    jobs (level, actor, seed) ── less what the journal holds ── workers ── the journal ── rows

The scripted demonstrator (without its disturbances) acts on the same seeds: it shows what the scenes allow.
So does the trace policy in the one task that it knows, pick; for the others there is no controller.
Seeds lie far from those of training scenes. Each process has one torch thread, because two small rollouts
side by side are faster than one on two threads; the number of processes never changes a result.

A rollout that takes longer than the limit costs itself: its process ends, it counts as a failure, the others
go on in new processes. So does one whose process dies, if it dies again alone.
"""

import os
import signal
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from mu0.envs.levels import USUAL_LEVEL, Level
from mu0.envs.ur3.arm_world import CONTROL_HZ, ArmWorld
from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.tasks import Task, find_task
from mu0.errors import PolicyError
from mu0.hardware.bfloat16 import Settled, settle
from mu0.params.action_expert import HORIZON_STEPS
from mu0.policy.action_expert import Variant
from mu0.policy.arms import PICK, arm_of, one_task
from mu0.policy.chunk_executor import ChunkExecutor
from mu0.policy.executor import AbstractExecutor
from mu0.policy.executors import ScriptedExecutor, TraceExecutor
from mu0.policy.rollout import Rollout, rollout, row_of
from mu0.policy.rollout_journal import Job, Journal
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy
from mu0.processes.pool import WorkerPool
from mu0.progress import track
from mu0.sources.containers.encoding import write_video
from mu0.trace_policy.ur3 import front_view
from mu0.trace_policy.ur3_policy import ur3_trace_policy

Actor = Variant | Literal["trace_policy", "demonstrator"]
VIDEO_CRF = 23
DEVICE = torch.device("cpu")
LIMIT_S = 300.0
OTHERS: tuple[Actor, ...] = ("demonstrator",)
NO_CONTROLLER = "no controller for this task"


def other_actors(task: str) -> tuple[Actor, ...]:
    """Who acts in a task beside the experts."""
    return ("trace_policy", *OTHERS) if task == PICK else OTHERS


def common_task(experts: Mapping[str, TraceConditionedPolicy], execute_steps: int) -> str:
    """Check that experts may act together, and name their task.

    Raises:
        EmbodimentError: Two are of different tasks, or one does not fit the arm.
    """
    tasks = {f"The expert {name}": expert.task for name, expert in experts.items()}
    task = one_task(tasks, "experts of one task", "train them on one dataset: name its source")
    for expert in experts.values():
        expert.require_fit(arm_of(task).embodiment, execute_steps)
    return task


def horizon_of(task: str, asked: int | None = None) -> int:
    """Steps after which a rollout has failed: as asked, or the task's own."""
    return HORIZON_STEPS[task] if asked is None else asked


@dataclass(frozen=True)
class RolloutSetting:
    """What all rollouts of a report share.

    `folder` keeps what has ended, so that an interrupted report goes on; it must be of this setting alone.
    `experts` are variants of the action expert, all of one `task`; the trace policy and the script
    (`others`) need none.
    """

    world_model: Path
    experts: dict[str, Path]
    folder: Path
    execute_steps: int
    horizon_steps: int
    front_size_px: tuple[int, int]  # height, width
    task: str = PICK
    videos_per_outcome: int | None = None  # of each actor, by seed, at the first level; all when None
    others: tuple[Actor, ...] = ("trace_policy", "demonstrator")
    limit_s: float = LIMIT_S
    best_of: int = 1  # chunks that every expert chooses from at every plan

    @property
    def journal(self) -> Journal:
        """Where ended rollouts and videos are kept."""
        return Journal(self.folder)


def run_rollouts(setting: RolloutSetting, seeds: dict[Level, list[int]], workers: int) -> list[Rollout]:
    """All actors on all seeds of all levels; those that the journal holds are not run again.

    Args:
        setting: What they share.
        seeds: Of each level, in the order of the rows.
        workers: Processes.

    Raises:
        PolicyError: There is no seed to roll out, or the trace policy shall act in a task that it does not
            know.
    """
    actors = (*setting.experts, *setting.others)
    jobs = [Job(level, actor, seed) for level in seeds for actor in actors for seed in seeds[level]]
    if not jobs:
        raise PolicyError(
            "There are no rollouts to run.",
            expected="at least one seed",
            remedy="set ur3_report.n_rollouts in params.yaml to 1 or more.",
        )
    if "trace_policy" in actors and setting.task != PICK:
        raise PolicyError(
            f"The trace policy shall act in the task {setting.task}: {NO_CONTROLLER}.",
            expected=f"the task {PICK}",
            remedy="roll out experts and the demonstrator there.",
        )
    convolutions = settle("auto", DEVICE)  # once, so that all workers compute alike
    os.environ.setdefault("LP_NUM_THREADS", "0")  # Mesa's own threads fight with the other worker
    journal = setting.journal
    journal.forget_started()
    while missing := [job for job in jobs if not journal.holds(job)]:
        try:
            _run(setting, convolutions, missing, workers)
        except BrokenProcessPool:
            for job in journal.suspects(setting.limit_s):
                _try_alone(setting, convolutions, job)
    return [journal.row(job) for job in jobs]


def _run(setting: RolloutSetting, convolutions: Settled, jobs: list[Job], workers: int) -> None:
    with WorkerPool(workers) as pool:
        futures = [pool.submit(_run_one, setting, convolutions, job) for job in jobs]
        for future in track(futures, "closed-loop rollouts"):
            future.result()


def _try_alone(setting: RolloutSetting, convolutions: Settled, job: Job) -> None:
    """A rollout that was under way when a process died: guilty if it took too long, or dies alone."""
    journal = setting.journal
    if not journal.is_overdue(job, setting.limit_s):
        try:
            _run(setting, convolutions, [job], 1)
        except BrokenProcessPool:
            pass
        else:
            return
    took_too_long = journal.is_overdue(job, setting.limit_s)
    reason = f"no end within {setting.limit_s:g} s" if took_too_long else "its process died twice"
    journal.keep(job, _lost(setting, job, f"SimulatorError: {reason}"))


def _lost(setting: RolloutSetting, job: Job, reason: str) -> Rollout:
    """The row of a rollout of which nothing is known but where it began."""
    task = find_task(setting.task)
    world = task.make(render=False, level=job.level)
    world.reset(job.seed)
    nothing = {"success": False, "n_steps": 0, "n_plans": 0, "ms_per_plan": 0.0}
    return row_of(world, task.watch(world), job.actor, reason=reason, **nothing)


@dataclass
class _Stage:
    """In a worker: the world of one level, and who has acted in it so far."""

    task: Task
    level: Level
    world: ArmWorld
    executors: dict[str, AbstractExecutor] = field(default_factory=dict)


_stage: list[_Stage] = []


def _run_one(setting: RolloutSetting, convolutions: Settled, job: Job) -> None:
    """In a worker: one rollout; world and policies are made once per process and level."""
    torch.set_num_threads(1)
    settle(convolutions, DEVICE)
    journal = setting.journal
    journal.begin(job)
    signal.setitimer(signal.ITIMER_REAL, setting.limit_s)  # nobody handles it: the process ends
    stage = _stage_of(setting, job.level)
    if job.actor not in stage.executors:
        stage.executors[job.actor] = _executor(job.actor, setting, stage)
    record = setting.videos_per_outcome != 0 and job.level == USUAL_LEVEL
    result, pictures = rollout(
        stage.task,
        stage.world,
        stage.executors[job.actor],
        job.actor,
        job.seed,
        setting.horizon_steps,
        record=record,
    )
    if record and journal.is_telling(result, setting.videos_per_outcome):
        write_video(journal.video(job.actor, job.seed), pictures, CONTROL_HZ, crf=VIDEO_CRF)
    signal.setitimer(signal.ITIMER_REAL, 0)
    journal.keep(job, result)


def _stage_of(setting: RolloutSetting, level: Level) -> _Stage:
    if not _stage or (_stage[0].task.name, _stage[0].level) != (setting.task, level):
        for old in _stage:
            old.world.close()
        height_px, width_px = setting.front_size_px
        task = find_task(setting.task)
        _stage[:] = [_Stage(task, level, task.make(width_px=width_px, height_px=height_px, level=level))]
    return _stage[0]


def _executor(actor: str, setting: RolloutSetting, stage: _Stage) -> AbstractExecutor:
    """Who acts under that name."""
    world = stage.world
    if actor == "demonstrator":
        return ScriptedExecutor(stage.task, world)
    if actor == "trace_policy":
        assert isinstance(world, Ur3Environment), "other tasks were refused"
        return TraceExecutor(ur3_trace_policy(setting.world_model, world), world)
    policy = TraceConditionedPolicy.load(
        setting.experts[actor], setting.world_model, lambda: front_view(world), best_of=setting.best_of
    )
    policy.require_fit(arm_of(setting.task).embodiment, setting.execute_steps)
    policy.require_task(setting.task)
    return ChunkExecutor(policy, setting.execute_steps)
