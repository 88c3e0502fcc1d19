"""A closed-loop rollout: a policy in the simulator, until success, a refusal or the horizon.

A refusal (NaN among them) is a failure. A rollout depends on its level and seed alone.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from mu0.envs.ur3.arm_world import ArmWorld
from mu0.envs.ur3.milestones import AbstractMilestones
from mu0.envs.ur3.tasks import Task
from mu0.errors import Mu0Error
from mu0.policy.executor import AbstractExecutor
from mu0.records import Observation


@dataclass(frozen=True)
class Rollout:
    """One row of rollouts.parquet; milestones as in `mu0.envs.ur3.milestones`.

    `score`: how much of the task was done in the end, in [0, 1]. `closest_m`: smallest distance from the TCP
    to the target. `reason`: why it failed.
    """

    actor: str
    level: str
    seed: int
    object_kind: str
    n_objects: int
    instruction: str
    success: bool
    reached: bool
    grasped: bool
    lifted: bool
    score: float
    reason: str
    n_steps: int
    closest_m: float
    n_plans: int
    ms_per_plan: float


def side_by_side(observation: Observation) -> UInt8[np.ndarray, "h w 3"]:
    """Front and wrist picture at equal height."""
    front, wrist = observation.image, observation.wrist_image
    assert wrist is not None, "the worlds of the arm render the wrist camera"
    side = front.shape[0]
    return np.hstack([front, cv2.resize(wrist, (side, side), interpolation=cv2.INTER_LINEAR)])


def rollout(
    task: Task,
    world: ArmWorld,
    executor: AbstractExecutor,
    actor: str,
    seed: int,
    horizon_steps: int,
    *,
    record: bool = True,
) -> tuple[Rollout, list[UInt8[np.ndarray, "h w 3"]]]:
    """Act in the scene of `seed` until success, a refusal or the horizon; equal seeds give equal rollouts.

    Args:
        task: Whose milestones are watched.
        world: A world of that task.
        executor: Who acts.
        actor: Its name in the table.
        seed: Of the scene.
        horizon_steps: Steps of 0.1 s after which the episode has failed.
        record: Whether to take all pictures.

    Returns:
        The outcome, and one picture per step; without `record` none, and only those are taken that are
        looked at, which is faster.
    """
    observation = world.reset(seed)
    executor.reset(seed)
    seen, pictures, plan_s, n_steps, success, refusal = task.watch(world), [], 0.0, 0, False, ""
    while n_steps < horizon_steps and not success:
        started = time.perf_counter()
        try:
            action = np.asarray(executor.act(observation), np.float64)
            plan_s += time.perf_counter() - started
            seen.before(action)
            if record:
                pictures.append(side_by_side(executor.shown(observation)))
            world.advance(action)
        except Mu0Error as error:
            refusal = f"{type(error).__name__}: {error.found}"
            break
        if record or executor.looks_next:
            observation = world.observe()
        observation = replace(observation, proprioception=world.state())
        success = world.is_success()
        seen.after(action)
        n_steps += 1
    if record:
        pictures.append(side_by_side(observation))
    result = row_of(
        world,
        seen,
        actor,
        success=success,
        reason=refusal or seen.why_not(),
        n_steps=n_steps,
        n_plans=executor.n_plans,
        ms_per_plan=1000 * plan_s / max(executor.n_plans, 1) if executor.n_plans else 0.0,
    )
    return result, pictures


def row_of(world: ArmWorld, seen: AbstractMilestones[Any], actor: str, **outcome: Any) -> Rollout:
    """The row of the episode that a world is in.

    Args:
        world: At the end of the episode.
        seen: What was watched of it.
        actor: Who acted.
        outcome: The remaining columns: success, reason, n_steps, n_plans, ms_per_plan.
    """
    return Rollout(
        actor=actor,
        level=world.level,
        seed=world.episode.seed,
        object_kind=seen.kind,
        n_objects=seen.n_things,
        instruction=world.instruction,
        reached=seen.reached,
        grasped=seen.grasped,
        lifted=seen.lifted,
        score=float(world.score()),
        closest_m=float(seen.closest_m),
        **outcome,
    )
