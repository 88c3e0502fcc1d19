"""One episode of the trace policy in the simulator: how far it came, and why no further.

Milestones are those of `mu0.envs.ur3.milestones`. A refusal, NaN among them, ends the episode and counts as a
failure with its name as the reason.
"""

import time
from dataclasses import dataclass, replace

from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.pick_milestones import PickMilestones
from mu0.errors import Mu0Error
from mu0.trace_policy.policy import TracePolicy


@dataclass(frozen=True)
class TraceRollout:
    """One row of a report.

    `aim_error_m`: across, from the TCP to the target when the hand first closed (NaN if it never did).
    `controller_ms`: slowest step without what the source of the traces took. `source_ms`: that, per question.
    """

    seed: int
    object_kind: str
    n_objects: int
    reached: bool
    grasped: bool
    lifted: bool
    placed: bool
    reason: str
    phase: str
    n_steps: int
    n_asks: int
    n_misses: int
    aim_error_m: float
    controller_ms: float
    source_ms: float


def run_episode(
    environment: Ur3Environment, policy: TracePolicy, seed: int, horizon_steps: int
) -> TraceRollout:
    """Act in the scene of `seed` until success, a refusal or the horizon."""
    observation = environment.reset(seed)
    policy.reset(seed)
    seen, slowest_s, refusal, n_steps = PickMilestones(environment), 0.0, "", 0
    while n_steps < horizon_steps and not environment.is_success():
        started_s, source_s = time.perf_counter(), policy.source_s
        try:
            action = policy.predict_action_chunk(observation).actions[0]
        except Mu0Error as error:
            refusal = f"{type(error).__name__}: {error.found}"
            break
        slowest_s = max(slowest_s, time.perf_counter() - started_s - (policy.source_s - source_s))
        seen.before(action)
        environment.advance(action)
        if policy.looks_next:  # pictures cost more than physics
            observation = environment.observe()
        observation = replace(observation, proprioception=environment.state())
        seen.after(action)
        n_steps += 1
    return TraceRollout(
        seed=seed,
        object_kind=seen.kind,
        n_objects=seen.n_things,
        reached=seen.reached,
        grasped=seen.grasped,
        lifted=seen.lifted,
        placed=environment.is_success(),
        reason=refusal or seen.why_not(),
        phase=policy.phase,
        n_steps=n_steps,
        n_asks=policy.n_asks,
        n_misses=policy.n_misses,
        aim_error_m=seen.aim_error_m,
        controller_ms=1000 * slowest_s,
        source_ms=1000 * policy.source_s / max(policy.n_asks, 1),
    )
