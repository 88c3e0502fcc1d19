"""Closed-loop rollouts: a policy in the simulator, the same scenes for everyone.

A rollout ends with success, with a refusal (NaN among them), which is a failure, or at the horizon. The
scripted demonstrator (without its disturbances) acts on the same seeds: it shows what the scenes allow. Seeds
lie far from those of training scenes.

Work is spread over processes, one torch thread each, because two small rollouts side by side are faster than
one on two threads. A rollout depends on its seed alone, so the number of workers never changes a result.
"""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from jaxtyping import UInt8

from mu0.envs.ur3.arm_world import CONTROL_HZ
from mu0.envs.ur3.environment import Ur3Environment
from mu0.errors import Mu0Error, PolicyError
from mu0.hardware.bfloat16 import Settled, settle
from mu0.policy.chunk_executor import ChunkExecutor
from mu0.policy.executor import AbstractExecutor
from mu0.policy.executors import ScriptedExecutor, TraceExecutor
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy
from mu0.processes.pool import WorkerPool
from mu0.progress import track
from mu0.records import Observation
from mu0.sources.containers.encoding import write_video
from mu0.trace_policy.milestones import Milestones
from mu0.trace_policy.ur3 import front_view
from mu0.trace_policy.ur3_policy import ur3_trace_policy

Actor = Literal["mu0", "no_trace", "no_pretraining", "end_to_end", "grounded", "trace_policy", "demonstrator"]
VIDEO_CRF = 23
DEVICE = torch.device("cpu")


@dataclass(frozen=True)
class RolloutSetting:
    """What all rollouts of a report share."""

    world_model: Path
    experts: dict[str, Path]  # variants of the action expert; the trace policy and the script need none
    videos: Path
    execute_steps: int
    horizon_steps: int
    front_size_px: tuple[int, int]  # height, width
    videos_per_outcome: int | None = None  # of each actor, by seed; all when None
    others: tuple[Actor, ...] = ("trace_policy", "demonstrator")


@dataclass(frozen=True)
class Rollout:
    """One row of rollouts.parquet; milestones as in `mu0.trace_policy.milestones`.

    `closest_m`: smallest distance from the TCP to the target's centre. `reason`: why it failed.
    """

    actor: str
    seed: int
    object_kind: str
    n_objects: int
    instruction: str
    success: bool
    reached: bool
    grasped: bool
    lifted: bool
    reason: str
    n_steps: int
    closest_m: float
    n_plans: int
    ms_per_plan: float


def side_by_side(observation: Observation) -> UInt8[np.ndarray, "h w 3"]:
    """Front and wrist picture at equal height."""
    front, wrist = observation.image, observation.wrist_image
    assert wrist is not None, "the UR3 environment renders the wrist camera"
    side = front.shape[0]
    return np.hstack([front, cv2.resize(wrist, (side, side), interpolation=cv2.INTER_LINEAR)])


def video_path(videos: Path, actor: str, seed: int) -> Path:
    """Where the video of a rollout lies."""
    return videos / f"{actor}_{seed}.mp4"


def rollout(
    environment: Ur3Environment,
    executor: AbstractExecutor,
    actor: str,
    seed: int,
    horizon_steps: int,
    *,
    record: bool = True,
) -> tuple[Rollout, list[UInt8[np.ndarray, "h w 3"]]]:
    """Act in the scene of `seed` until success, a refusal or the horizon; equal seeds give equal rollouts.

    Returns:
        The outcome, and one picture per step; without `record` none, and only those are taken that are
        looked at, which is faster.
    """
    observation = environment.reset(seed)
    executor.reset(seed)
    seen, pictures, plan_s, n_steps, success, refusal = Milestones(environment), [], 0.0, 0, False, ""
    while n_steps < horizon_steps and not success:
        started = time.perf_counter()
        try:
            action = np.asarray(executor.act(observation), np.float64)
            plan_s += time.perf_counter() - started
            seen.before(action)
            if record:
                pictures.append(side_by_side(executor.shown(observation)))
            environment.advance(action)
        except Mu0Error as error:
            refusal = f"{type(error).__name__}: {error.found}"
            break
        if record or executor.looks_next:
            observation = environment.observe()
        observation = replace(observation, proprioception=environment.state())
        success = environment.is_success()
        seen.after(action)
        n_steps += 1
    if record:
        pictures.append(side_by_side(observation))
    result = Rollout(
        actor=actor,
        seed=seed,
        object_kind=environment.target.kind,
        n_objects=len(environment.layout.objects),
        instruction=environment.instruction,
        success=success,
        reached=seen.reached,
        grasped=seen.grasped,
        lifted=environment.was_lifted,
        reason=refusal or seen.why_not(),
        n_steps=n_steps,
        closest_m=float(seen.closest_m),
        n_plans=executor.n_plans,
        ms_per_plan=1000 * plan_s / max(executor.n_plans, 1) if executor.n_plans else 0.0,
    )
    return result, pictures


_worker: dict[str, AbstractExecutor | Ur3Environment] = {}


def _run_one(setting: RolloutSetting, convolutions: Settled, actor: str, seed: int) -> Rollout:
    """In a worker: one rollout with its video; environment and policies are made once per process."""
    torch.set_num_threads(1)
    settle(convolutions, DEVICE)
    if "environment" not in _worker:
        height_px, width_px = setting.front_size_px
        _worker["environment"] = Ur3Environment(width_px=width_px, height_px=height_px)
    environment = _worker["environment"]
    assert isinstance(environment, Ur3Environment)
    if actor not in _worker:
        _worker[actor] = _executor(actor, setting, environment)
    executor = _worker[actor]
    assert not isinstance(executor, Ur3Environment)
    record = setting.videos_per_outcome != 0
    result, pictures = rollout(environment, executor, actor, seed, setting.horizon_steps, record=record)
    setting.videos.mkdir(parents=True, exist_ok=True)
    if record and is_telling(setting, result):
        write_video(video_path(setting.videos, actor, seed), pictures, CONTROL_HZ, crf=VIDEO_CRF)
    return result


def _executor(actor: str, setting: RolloutSetting, environment: Ur3Environment) -> AbstractExecutor:
    """Who acts under that name."""
    if actor == "demonstrator":
        return ScriptedExecutor(environment)
    if actor == "trace_policy":
        return TraceExecutor(ur3_trace_policy(setting.world_model, environment), environment)
    policy = TraceConditionedPolicy.load(
        setting.experts[actor], setting.world_model, lambda: front_view(environment)
    )
    return ChunkExecutor(policy, setting.execute_steps)


def is_telling(setting: RolloutSetting, result: Rollout) -> bool:
    """Whether a video may be among the first of its actor and outcome; encoding costs a fifth of a second.

    Rollouts that ended before leave a mark with their seed. Where enough of smaller seeds did, whatever still
    comes cannot make room for this one; where they did not yet, it is encoded, perhaps in vain.
    """
    if setting.videos_per_outcome is None:
        return True
    marks = setting.videos / f"{result.actor}_{'success' if result.success else 'failure'}"
    marks.mkdir(exist_ok=True)
    n_before = sum(int(mark.name) < result.seed for mark in marks.iterdir())
    (marks / str(result.seed)).touch()
    return n_before < setting.videos_per_outcome


def run_rollouts(setting: RolloutSetting, seeds: list[int], workers: int) -> list[Rollout]:
    """All actors on all seeds, with videos in `setting.videos`.

    Raises:
        PolicyError: There is no seed to roll out.
    """
    if not seeds:
        raise PolicyError(
            "There are no rollouts to run.",
            expected="at least one seed",
            remedy="set ur3_report.n_rollouts in params.yaml to 1 or more.",
        )
    jobs = [(actor, seed) for actor in (*setting.experts, *setting.others) for seed in seeds]
    convolutions = settle("auto", DEVICE)  # once, so that all workers compute alike
    os.environ.setdefault("LP_NUM_THREADS", "0")  # Mesa's own threads fight with the other worker
    with WorkerPool(workers) as pool:
        futures = [pool.submit(_run_one, setting, convolutions, actor, seed) for actor, seed in jobs]
        return [future.result() for future in track(futures, "closed-loop rollouts")]
