"""Stage `benchmark_model_NAME`: train μ0 or one of its ablations for the benchmark's time."""

import shutil
import sys
from pathlib import Path

from assets_defs.entry import run_stage
from assets_defs.sections import section
from assets_defs.tracking import track_run
from mu0.errors import StageError
from mu0.model.ablations import ABLATIONS
from mu0.model.checkpoint import save_checkpoint
from mu0.model.presets import preset
from mu0.model.pretrained import find_weights
from mu0.params.benchmark import BenchmarkParams
from mu0.params.world_model import WorldModelParams
from mu0.training.benchmark_model import train_for
from mu0.training.record import pace, write_record
from mu0.training.world_model import model_for, open_windows, training_key

DATASET = Path("data/trace_dataset")
EPISODES = Path("data/extracted_traces")
CAPTIONS = Path("data/captions")
MODELS = Path("models/benchmark")
REPORTS = Path("reports/benchmark_training")
CACHE = Path(".mu0_cache/training")
DATA = "the extracted traces of this project, for the benchmark"


def main(name: str) -> None:
    """Train (or go on with) the variant `name` of mu0/model/ablations.py."""
    if name not in ABLATIONS:
        raise StageError(
            f"There is no variant {name!r} of μ0.", expected=", ".join(ABLATIONS), remedy="choose one."
        )
    params = section("world_model", WorldModelParams)
    train, train_s = params.train, section("benchmark", BenchmarkParams).train_s
    config = preset(params.preset, **ABLATIONS[name])
    weights = find_weights(config, params)
    windows = open_windows(DATASET, EPISODES, CAPTIONS, config, train)
    model = model_for(config, windows["train"], train.seed, weights)
    work_folder = CACHE / f"{name}_{training_key(model.config, train, DATASET, weights)}_{train_s:g}"
    known = {"variant": name, "preset": params.preset, "seed": train.seed}
    stage = f"benchmark_model_{name}"
    with track_run(stage=stage, params=known | {"train_s": train_s, "train": train.model_dump()}) as run:
        done, plan = train_for(
            model, windows, train, work_folder, train_s, lambda step, row: run.log(row, step=step)
        )
        meta = {"label": weights.label(DATA)} | known | plan | weights.facts
        save_checkpoint(MODELS / name, done.model, meta | {"trained_s": done.fitted.seconds})
        run.log(done.validation, step=int(plan["steps"]))
    write_record(REPORTS, name, done.model, done.fitted, done.validation, plan | pace(done.fitted))
    shutil.rmtree(work_folder, ignore_errors=True)


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1] if len(sys.argv) > 1 else ""))
