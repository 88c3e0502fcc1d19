"""The trace policy, a controller without learning, in the pick-into-sink task: how many scenes it solves.

    python benchmarks/trace_controller.py --source true --n 60 [--first 90000] [--no-spline] [--noise-cm 1.5]
    python benchmarks/trace_controller.py --source predicted --world-model models/world_model --finder moving

`true`: the simulator's undisturbed demonstration as traces tell it (equal steps of path length, ten control
points of a B-spline unless --no-spline). `predicted`: a world model, asked about gripper and target; the
target's place is told by the simulator (--finder told, an upper bound), found with the same model's traces
(--finder moving) or with its map of the named thing (--finder named). With --tracegen the traces that are
followed are TraceGen's. `extracted`: a video of the same scene with the demonstrator, through TraceExtract.

One line per scene on stderr, a JSON summary on stdout.
"""

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from mu0.envs.layout import OBJECT_AREA_M
from mu0.envs.ur3.environment import Ur3Environment
from mu0.evaluation.statistics.wilson import wilson_interval
from mu0.interfaces import AbstractTracePredictor
from mu0.trace_policy.agreement import AgreementSetting
from mu0.trace_policy.episode import TraceRollout, run_episode
from mu0.trace_policy.joint_limits import ArmReach
from mu0.trace_policy.meeting import MeetingSetting
from mu0.trace_policy.moving_thing import MovingThing, TableGrid
from mu0.trace_policy.named_finder import NamedFinder
from mu0.trace_policy.path_steps import PathSteps
from mu0.trace_policy.plans import PlanSetting
from mu0.trace_policy.policy import TracePolicy, TracePolicySetting
from mu0.trace_policy.predicted_traces import PredictedTraces
from mu0.trace_policy.shifted_traces import ShiftedTraces
from mu0.trace_policy.sources import AbstractTargetFinder, AbstractTraceSource
from mu0.trace_policy.told_target import ToldTarget
from mu0.trace_policy.true_traces import TrueTraces
from mu0.trace_policy.ur3 import front_view, read_ur3, ur3_embodiment

RIVAL_STEPS = 10  # of TraceGen's solver; its 100 take seconds a question here
PHASES = ("reached", "grasped", "lifted", "placed")


def make_source(arguments: argparse.Namespace, environment: Ur3Environment) -> AbstractTraceSource:
    """The source of traces that was asked for."""
    if arguments.source == "predicted":
        from mu0.model.predictor import TracePredictor

        predictor = TracePredictor.from_folder(arguments.world_model, rests_below=0.0)
        finder: AbstractTargetFinder = ToldTarget(environment)
        if arguments.finder == "moving":
            finder = MovingThing(predictor, TableGrid(OBJECT_AREA_M + np.array([-0.04, 0.05])))
        elif arguments.finder == "named":
            finder = NamedFinder(predictor)
        return PredictedTraces(_rival(arguments) or predictor, finder, arguments.samples)
    steps = PathSteps(n_control_points=0 if arguments.no_spline else 10)
    if arguments.source == "extracted":
        from trace_controller_video import FilmedScenes

        return FilmedScenes(environment, steps, environment.width_px)
    source: AbstractTraceSource = TrueTraces(environment, ur3_embodiment(), steps)
    if arguments.noise_cm:
        source = ShiftedTraces(source, arguments.noise_cm / 100)
    return source


def _rival(arguments: argparse.Namespace) -> AbstractTracePredictor | None:
    """Who predicts traces in the place of the world model, which then only finds the target."""
    if arguments.tracegen is None:
        return None
    from mu0.baselines.tracegen.predictor import TraceGenPredictor

    return TraceGenPredictor.from_folder(arguments.tracegen, n_steps=RIVAL_STEPS)


def summary(rows: list[TraceRollout]) -> dict[str, object]:
    """Rates with Wilson intervals, reasons of failures, errors and times."""
    found: dict[str, object] = {}
    for phase in PHASES:
        rate = wilson_interval(sum(getattr(row, phase) for row in rows), len(rows))
        found[phase] = f"{rate.n_successes}/{rate.n_trials} [{rate.low:.3f}, {rate.high:.3f}]"
    aims_m = [row.aim_error_m for row in rows if np.isfinite(row.aim_error_m)]
    return found | {
        "median_aim_error_cm": round(100 * float(np.median(aims_m)), 2) if aims_m else None,
        "misses": sum(row.n_misses for row in rows),
        "questions_per_scene": round(float(np.mean([row.n_asks for row in rows])), 1),
        "steps_when_placed": float(np.median([row.n_steps for row in rows if row.placed] or [np.nan])),
        "controller_ms_p95": round(float(np.percentile([row.controller_ms for row in rows], 95)), 2),
        "source_ms_median": round(float(np.median([row.source_ms for row in rows])), 1),
        "reasons": dict(Counter(row.reason.partition(":")[0] for row in rows if not row.placed)),
    }


def main() -> None:
    """Roll out and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--source", choices=("true", "extracted", "predicted"), default="true")
    parser.add_argument("--n", type=int, default=60)
    parser.add_argument("--first", type=int, default=90_000)
    parser.add_argument("--horizon", type=int, default=160)
    parser.add_argument("--no-spline", action="store_true")
    parser.add_argument("--noise-cm", type=float, default=0.0)
    parser.add_argument("--world-model", type=Path, default=Path("models/world_model"))
    parser.add_argument("--tracegen", type=Path, help="a TraceGen whose traces are followed instead of μ0's")
    parser.add_argument("--finder", choices=("told", "moving", "named"), default="told")
    parser.add_argument("--grasp-at", choices=("grip", "target"), default="grip")
    parser.add_argument("--place-at", choices=("grip", "target"), default="grip")
    parser.add_argument("--same-grip-cm", type=float, default=2.0)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--agree-cm", type=float, default=5.0)
    parser.add_argument("--agree-rad", type=float, default=0.4)
    parser.add_argument("--rows", type=Path, help="JSON lines, one per scene")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    environment = Ur3Environment(render=arguments.source == "predicted")
    same_grip = MeetingSetting(same_grip_m=arguments.same_grip_cm / 100)
    agreement = AgreementSetting(within_m=arguments.agree_cm / 100, within_rad=arguments.agree_rad)
    plans = PlanSetting(grasp_at=arguments.grasp_at, place_at=arguments.place_at, meeting=same_grip)
    policy = TracePolicy(
        make_source(arguments, environment),
        ur3_embodiment(),
        read_ur3,
        lambda: front_view(environment),
        reach=ArmReach(environment.model),
        setting=TracePolicySetting(plans=plans, agreement=agreement),
    )
    rows, started_s = [], time.perf_counter()
    for seed in range(arguments.first, arguments.first + arguments.n):
        row = run_episode(environment, policy, seed, arguments.horizon)
        rows.append(row)
        print(seed, row.object_kind, row.placed, row.phase, row.reason, file=sys.stderr, flush=True)
    if arguments.rows:
        arguments.rows.write_text("".join(f"{json.dumps(asdict(row))}\n" for row in rows))
    told = {name: str(value) for name, value in vars(arguments).items()}
    took = {"seconds_per_scene": round((time.perf_counter() - started_s) / len(rows), 2)}
    print(json.dumps(told | summary(rows) | took, indent=2))


if __name__ == "__main__":
    main()
