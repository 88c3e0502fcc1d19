"""Stage `ur3_report`: closed-loop rollouts of experts, trace policy and demonstrator in equal scenes."""

import tempfile
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from assets_defs.entry import run_stage
from assets_defs.sections import section
from assets_defs.tracking import track_run
from mu0.evaluation.policies.closed_loop_report import VIDEOS_PER_OUTCOME, write_policy_report
from mu0.params.action_expert import Ur3ReportParams
from mu0.policy.embodiment import UR3
from mu0.policy.rollout import RolloutSetting, run_rollouts
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy

WORLD_MODEL = Path("models/world_model")
VARIANTS = ("grounded", "mu0", "no_trace")
EXPERTS = {variant: Path(f"models/action_expert_ur3_{variant}") for variant in VARIANTS}
REPORT = Path("reports/ur3_report")
METRICS = Path("reports/ur3_report_metrics.json")


def main() -> None:
    """Roll out, summarise, and keep a few videos."""
    params = section("ur3_report", Ur3ReportParams)
    # loading all of them here tells of a wrong checkpoint before workers start
    policies = [TraceConditionedPolicy.load(folder, WORLD_MODEL) for folder in EXPERTS.values()]
    for policy in policies:
        policy.require_fit(UR3, params.execute_steps)
    sizes_px = [policy.front_size_px for policy in policies]
    seeds = list(range(params.first_seed, params.first_seed + params.n_rollouts))
    with tempfile.TemporaryDirectory() as recorded:
        setting = RolloutSetting(
            WORLD_MODEL, EXPERTS, Path(recorded), params.execute_steps, params.horizon_steps, sizes_px[0],
            VIDEOS_PER_OUTCOME,
        )  # fmt: skip
        with track_run(stage="ur3_report", params=params.model_dump()) as run:
            rows = pd.DataFrame([asdict(result) for result in run_rollouts(setting, seeds, params.workers)])
            summary = write_policy_report(rows, params.model_dump(), Path(recorded), REPORT, METRICS)
            rates = {f"{actor}/success_rate": s["success"]["rate"] for actor, s in summary["actors"].items()}
            run.log(rates, step=0)
            run.log_artifact(METRICS)


if __name__ == "__main__":
    run_stage(main)
