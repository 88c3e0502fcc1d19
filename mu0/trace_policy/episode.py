"""One episode of the trace policy in the simulator: how far it came, and why no further.

    reached   the TCP was within 4 cm of the target's centre
    grasped   both fingers touched it while they were closed
    lifted    it rose by 5 cm
    placed    it rests in the sink, let go of: success

A refusal, NaN among them, ends the episode and counts as a failure with its name as the reason.
"""

import time
from dataclasses import dataclass, replace

import numpy as np

from mu0.envs.tabletop import is_in_sink
from mu0.envs.ur3.environment import Ur3Environment
from mu0.errors import Mu0Error
from mu0.trace_policy.policy import TracePolicy

REACHED_M = 0.04


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
    reached, grasped, aim_error_m, slowest_s, refusal, n_steps = False, False, np.nan, 0.0, "", 0
    while n_steps < horizon_steps and not environment.is_success():
        started_s, source_s = time.perf_counter(), policy.source_s
        try:
            action = policy.predict_action_chunk(observation).actions[0]
        except Mu0Error as error:
            refusal = f"{type(error).__name__}: {error.found}"
            break
        slowest_s = max(slowest_s, time.perf_counter() - started_s - (policy.source_s - source_s))
        away_m = environment.target_position_m() - environment.state()[6:9]
        if np.isnan(aim_error_m) and action[4] > 0.5:
            aim_error_m = float(np.linalg.norm(away_m[:2]))
        environment.advance(action)
        if policy.looks_next:  # pictures cost more than physics
            observation = environment.observe()
        observation = replace(observation, proprioception=environment.state())
        reached = reached or bool(np.linalg.norm(away_m) < REACHED_M)
        grasped = grasped or (bool(action[4] > 0.5) and both_fingers_touch(environment))
        n_steps += 1
    placed = environment.is_success()
    return TraceRollout(
        seed=seed,
        object_kind=environment.target.kind,
        n_objects=len(environment.layout.objects),
        reached=reached,
        grasped=grasped,
        lifted=environment.was_lifted,
        placed=placed,
        reason="" if placed else refusal or why_not(environment, reached=reached, grasped=grasped),
        phase=policy.phase,
        n_steps=n_steps,
        n_asks=policy.n_asks,
        n_misses=policy.n_misses,
        aim_error_m=aim_error_m,
        controller_ms=1000 * slowest_s,
        source_ms=1000 * policy.source_s / max(policy.n_asks, 1),
    )


def both_fingers_touch(environment: Ur3Environment) -> bool:
    """Whether the target lies between the fingers."""
    model, data = environment.model, environment.data
    target = model.body(environment.target.kind).id
    fingers = {int(model.body(name).id) for name in ("finger_left", "finger_right")}
    touching: set[int] = set()
    for contact in data.contact:
        bodies = {int(model.geom_bodyid[contact.geom1]), int(model.geom_bodyid[contact.geom2])}
        if target in bodies:
            touching |= bodies
    return fingers <= touching


def why_not(environment: Ur3Environment, *, reached: bool, grasped: bool) -> str:
    """The first thing that did not happen."""
    if not reached:
        return "never came to the target"
    if not grasped:
        return "closed beside the target"
    if not environment.was_lifted:
        return "slipped out before it was lifted"
    if is_in_sink(environment.target_position_m(), environment.layout.sink_xy_m):
        return "in the sink, but not let go or not at rest"
    return "lifted, but not brought into the sink"
