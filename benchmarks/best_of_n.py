"""Is a chunk that an expert finds likely a better one? One chunk a plan against the most consistent of N.

    python benchmarks/best_of_n.py --project . --variants grounded mu0 no_trace --n 8 --out best.json

Trained experts of a project act in the same unseen scenes twice: with the first chunk that they draw, and
with the best of N by re-denoising consistency (`mu0.policy.redenoising`). Prints one JSON object: solved
scenes with Wilson intervals, scenes that only one of both solved with McNemar's exact test, and milliseconds
per plan. What has been rolled out lies beside `--out` and is not run again.

Simulated: MuJoCo scenes.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd

from mu0.envs.levels import USUAL_LEVEL
from mu0.evaluation.policies.closed_loop_report import mcnemar_exact_p
from mu0.evaluation.statistics.wilson import wilson_interval
from mu0.policy.rollout_jobs import RolloutSetting, common_task, horizon_of, run_rollouts
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy

FIRST_SEED = 50_000
EXECUTE_STEPS = 8


def rolled_out(arguments: argparse.Namespace, best_of: int) -> pd.DataFrame:
    """One row per variant and scene, with so many chunks to choose from."""
    models = arguments.project / "models"
    experts = {name: models / f"action_expert_ur3_{name}" for name in arguments.variants}
    policies = {
        name: TraceConditionedPolicy.load(folder, models / "world_model", best_of=best_of)
        for name, folder in experts.items()
    }
    task = common_task(policies, EXECUTE_STEPS)
    setting = RolloutSetting(
        models / "world_model",
        experts,
        arguments.out.with_suffix("") / f"best_of_{best_of}",
        EXECUTE_STEPS,
        horizon_of(task),
        next(iter(policies.values())).front_size_px,
        task,
        videos_per_outcome=0,
        others=(),
        best_of=best_of,
    )
    seeds = list(range(arguments.first_seed, arguments.first_seed + arguments.rollouts))
    return pd.DataFrame(run_rollouts(setting, {USUAL_LEVEL: seeds}, arguments.workers))


def compared(one: pd.DataFrame, several: pd.DataFrame) -> dict[str, Any]:
    """Both ways of one variant, scene by scene; rows have equal seeds in equal order."""
    first, best = (rows["success"].to_numpy(bool) for rows in (one, several))
    gained, lost = int((best & ~first).sum()), int((first & ~best).sum())
    return {
        name: {
            "solved": int(rows["success"].sum()),
            "n": len(rows),
            "wilson_95": list(interval(rows)),
            "ms_per_plan": float(rows["ms_per_plan"].mean()),
        }
        for name, rows in (("one", one), ("best", several))
    } | {"only_best": gained, "only_one": lost, "mcnemar_p": mcnemar_exact_p(gained, lost)}


def interval(rows: pd.DataFrame) -> tuple[float, float]:
    """Wilson's, 95 %."""
    rate = wilson_interval(int(rows["success"].sum()), len(rows))
    return rate.low, rate.high


def main() -> None:
    """Roll out and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, default=Path(), help="has models/")
    parser.add_argument("--variants", nargs="+", default=["grounded", "mu0", "no_trace"])
    parser.add_argument("--n", type=int, default=8, help="chunks to choose from")
    parser.add_argument("--rollouts", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True, help="a JSON file")
    arguments = parser.parse_args()
    one, several = (rolled_out(arguments, best_of) for best_of in (1, arguments.n))
    found = {
        name: compared(one[one["actor"] == name], several[several["actor"] == name])
        for name in arguments.variants
    }
    text = json.dumps(
        {"best_of": arguments.n, "first_seed": arguments.first_seed, "variants": found}, indent=2
    )
    arguments.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
