"""Stage `action_expert_<embodiment>_<variant>`: train one variant of the action expert on the frozen μ0."""

import argparse
from pathlib import Path

import pandas as pd

from mu0.files import atomic_file, write_json
from mu0.params.load import load_params
from mu0.policy.train_action_expert import Paths, train_action_expert
from mu0.stages.entry import run_stage
from mu0.tracking_run import track_run

DEMONSTRATIONS = Path("data/demonstrations")
WORLD_MODEL = Path("models/world_model")
CACHE = Path(".mu0_cache")
REPORTS = Path("reports/training")
MEAN_OVER_ROWS = 20
"""Single steps are noisy; the reported final losses are means over this many last rows of the log."""


def main() -> None:
    """Train, and write the checkpoint, its metrics and its loss curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embodiment", choices=["ur3"], required=True)
    parser.add_argument("--variant", choices=["mu0", "no_trace"], required=True)
    arguments = parser.parse_args()
    name = f"action_expert_{arguments.embodiment}_{arguments.variant}"
    params = load_params().action_expert
    paths = Paths(DEMONSTRATIONS, WORLD_MODEL, Path("models") / name, CACHE)
    with track_run(stage=name, params=params.model_dump() | {"variant": arguments.variant}) as run:
        result, meta = train_action_expert(
            paths, arguments.variant, params, on_log=lambda step, row: run.log(row, step=step)
        )
        run.log_model_folder(paths.expert)
    log = pd.DataFrame(result.log).astype({"step": int})
    last = log.tail(MEAN_OVER_ROWS).mean()
    with atomic_file(REPORTS / f"{name}.csv") as temporary:
        log.to_csv(temporary, index=False)
    metrics = {key: float(last[key]) for key in ("loss", "action_loss", "keyframe_loss")}
    counts = {key: meta[key] for key in ("n_frames", "n_parameters", "scale")}
    write_json(
        REPORTS / f"{name}.json",
        metrics
        | counts
        | {"steps": params.steps, "seconds": result.seconds, "n_bad_batches": result.n_bad_batches},
    )


if __name__ == "__main__":
    run_stage(main)
