"""Stage `ur3_report`: closed-loop rollouts of experts and others in equal scenes of the experts' task."""

import shutil
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pandas as pd

from assets_defs.entry import run_stage
from assets_defs.sections import section
from assets_defs.tracking import track_run
from mu0.envs.levels import LEVEL_NAMES, USUAL_LEVEL, Level
from mu0.evaluation.policies.closed_loop_report import VIDEOS_PER_OUTCOME, write_policy_report
from mu0.params.action_expert import Ur3ReportParams
from mu0.policy.rollout_jobs import RolloutSetting, common_task, horizon_of, other_actors, run_rollouts
from mu0.policy.rollout_journal import journal_folder
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy

WORLD_MODEL = Path("models/world_model")
CACHE = Path(".mu0_cache")
VARIANTS = ("grounded", "mu0", "no_trace")
EXPERTS = {variant: Path(f"models/action_expert_ur3_{variant}") for variant in VARIANTS}
REPORT = Path("reports/ur3_report")
METRICS = Path("reports/ur3_report_metrics.json")


def main() -> None:
    """Roll out, summarise, and keep a few videos."""
    params = section("ur3_report", Ur3ReportParams)
    # loading all of them here tells of a wrong checkpoint before workers start
    load = partial(TraceConditionedPolicy.load, world_model_folder=WORLD_MODEL, best_of=params.best_of)
    policies = {name: load(folder) for name, folder in EXPERTS.items()}
    task = common_task(policies, params.execute_steps)
    front_size_px = policies[VARIANTS[0]].front_size_px
    horizon_steps = horizon_of(task, params.horizon_steps)
    told = params.model_dump() | {"task": task, "horizon_steps": horizon_steps}
    seeds = {level: _seeds(params, level) for level in LEVEL_NAMES}
    folder = journal_folder(CACHE, [WORLD_MODEL, *EXPERTS.values()], told)
    setting = RolloutSetting(
        WORLD_MODEL, EXPERTS, folder, params.execute_steps, horizon_steps, front_size_px, task,
        VIDEOS_PER_OUTCOME, other_actors(task), params.limit_s, params.best_of,
    )  # fmt: skip
    with track_run(stage="ur3_report", params=told) as run:
        rows = pd.DataFrame([asdict(result) for result in run_rollouts(setting, seeds, params.workers)])
        summary = write_policy_report(rows, told, folder / "videos", REPORT, METRICS)
        rates = {f"{actor}/success_rate": s["success"]["rate"] for actor, s in summary["actors"].items()}
        run.log(rates, step=0)
        run.log_artifact(METRICS)
    shutil.rmtree(folder)


def _seeds(params: Ur3ReportParams, level: Level) -> list[int]:
    """The scenes of a level; those of all levels begin alike."""
    n = params.n_rollouts if level == USUAL_LEVEL else params.n_rollouts_elsewhere
    return list(range(params.first_seed, params.first_seed + n))


if __name__ == "__main__":
    run_stage(main)
