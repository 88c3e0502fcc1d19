"""A closed-loop rollout: a policy in the simulator, until success, a refusal or the horizon.

A refusal (NaN among them) is a failure. A rollout depends on its level and seed alone.
"""

import time
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import UInt8

from mu0.envs.ur3.environment import Ur3Environment
from mu0.errors import Mu0Error
from mu0.policy.executor import AbstractExecutor
from mu0.records import Observation
from mu0.trace_policy.milestones import Milestones


@dataclass(frozen=True)
class Rollout:
    """One row of rollouts.parquet; milestones as in `mu0.trace_policy.milestones`.

    `closest_m`: smallest distance from the TCP to the target's centre. `reason`: why it failed.
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
        level=environment.level,
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
