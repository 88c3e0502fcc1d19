"""Closed-loop rollouts: a policy in the simulator, the same scenes for everyone.

A rollout ends with success or at the horizon. The scripted demonstrator (without its disturbances) is rolled
out on the same seeds: it shows what the scenes allow. Seeds lie far from those of training scenes.

Work is spread over processes, one torch thread each, because two small rollouts side by side are faster than
one on two threads. A rollout depends on its seed alone, so the number of workers never changes a result.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from mu0.envs.ur3.demonstrator import demonstrate
from mu0.envs.ur3.environment import CONTROL_HZ, Ur3Environment
from mu0.errors import PolicyError
from mu0.hardware.bfloat16 import Settled, settle
from mu0.policy.chunk_executor import ChunkExecutor
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy
from mu0.processes.pool import WorkerPool
from mu0.progress import track
from mu0.records import Observation
from mu0.sources.containers.encoding import write_video

Actor = Literal["mu0", "no_trace", "demonstrator"]
VIDEO_CRF = 23
DEVICE = torch.device("cpu")


@dataclass(frozen=True)
class RolloutSetting:
    """What all rollouts of a report share."""

    world_model: Path
    experts: dict[str, Path]
    videos: Path
    execute_steps: int
    horizon_steps: int
    front_size_px: tuple[int, int]  # height, width
    videos_per_outcome: int | None = None  # of each actor, by seed; all when None


@dataclass(frozen=True)
class Rollout:
    """One row of rollouts.parquet; `closest_m`: smallest distance from the TCP to the target's centre."""

    actor: str
    seed: int
    object_kind: str
    n_objects: int
    instruction: str
    success: bool
    lifted: bool
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


class ScriptedExecutor:
    """The scripted expert in the place of a chunk executor."""

    n_plans = 0

    def __init__(self, environment: Ur3Environment) -> None:
        self._environment = environment
        self._script: Iterator[tuple[Float[np.ndarray, " 5"], Float[np.ndarray, " 5"]]] = iter(())

    def reset(self, seed: int) -> None:  # noqa: ARG002 - it draws nothing
        """Begin the script for the scene that the environment shows."""
        self._script = demonstrate(self._environment)

    def act(self, observation: Observation) -> Float[np.ndarray, " 5"]:  # noqa: ARG002 - it knows the scene
        """The script's next action; when it is over, the command stays."""
        command = self._environment.command.copy()
        return next(self._script, (command, command))[1]


def rollout(
    environment: Ur3Environment,
    executor: ChunkExecutor | ScriptedExecutor,
    actor: str,
    seed: int,
    horizon_steps: int,
) -> tuple[Rollout, list[UInt8[np.ndarray, "h w 3"]]]:
    """Act in the scene of `seed` until success or the horizon; equal seeds give equal rollouts.

    Returns:
        The outcome, and one picture per step.
    """
    observation = environment.reset(seed)
    executor.reset(seed)
    pictures, closest_m, plan_s, n_steps, success = [side_by_side(observation)], np.inf, 0.0, 0, False
    while n_steps < horizon_steps and not success:
        started = time.perf_counter()
        action = executor.act(observation)
        plan_s += time.perf_counter() - started
        observation, info = environment.step(np.asarray(action, np.float64))
        success = bool(info["success"])
        closest_m = min(closest_m, _distance_to_target_m(environment))
        pictures.append(side_by_side(observation))
        n_steps += 1
    result = Rollout(
        actor=actor,
        seed=seed,
        object_kind=environment.target.kind,
        n_objects=len(environment.layout.objects),
        instruction=environment.instruction,
        success=success,
        lifted=environment.was_lifted,
        n_steps=n_steps,
        closest_m=float(closest_m),
        n_plans=executor.n_plans,
        ms_per_plan=1000 * plan_s / max(executor.n_plans, 1) if executor.n_plans else 0.0,
    )
    return result, pictures


def _distance_to_target_m(environment: Ur3Environment) -> float:
    tcp_m = environment.state()[6:9]
    return float(np.linalg.norm(environment.target_position_m() - tcp_m))


_worker: dict[str, ChunkExecutor | ScriptedExecutor | Ur3Environment] = {}


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
        if actor == "demonstrator":
            _worker[actor] = ScriptedExecutor(environment)
        else:
            policy = TraceConditionedPolicy.load(setting.experts[actor], setting.world_model)
            _worker[actor] = ChunkExecutor(policy, setting.execute_steps)
    executor = _worker[actor]
    assert not isinstance(executor, Ur3Environment)
    result, pictures = rollout(environment, executor, actor, seed, setting.horizon_steps)
    setting.videos.mkdir(parents=True, exist_ok=True)
    if is_telling(setting, result):
        write_video(video_path(setting.videos, actor, seed), pictures, CONTROL_HZ, crf=VIDEO_CRF)
    return result


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
    jobs = [(actor, seed) for actor in (*setting.experts, "demonstrator") for seed in seeds]
    convolutions = settle("auto", DEVICE)  # once, so that all workers compute alike
    os.environ.setdefault("LP_NUM_THREADS", "0")  # Mesa's own threads fight with the other worker
    with WorkerPool(workers) as pool:
        futures = [pool.submit(_run_one, setting, convolutions, actor, seed) for actor, seed in jobs]
        return [future.result() for future in track(futures, "closed-loop rollouts")]
