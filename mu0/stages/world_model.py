"""Stage `world_model`: train μ0 on the trace dataset; write checkpoint, metrics and loss curve."""

import shutil
from pathlib import Path

import pandas as pd

from mu0.files import atomic_file, write_json
from mu0.model.checkpoint import save_checkpoint
from mu0.model.presets import preset
from mu0.params.load import load_params
from mu0.params.world_model import WorldModelParams
from mu0.stages.entry import run_stage
from mu0.tracking_run import track_run
from mu0.training.team import joined_team, training_device
from mu0.training.world_model import build_model, captions_of, open_windows, train_world_model, training_key

DATASET = Path("data/trace_dataset")
EPISODES = Path("data/extracted_traces")
CAPTIONS = Path("data/captions")
CHECKPOINT = Path("models/world_model")
REPORTS = Path("reports/training")
CACHE = Path(".mu0_cache/training")
LABEL = "trained from scratch on the extracted traces of this project"
MEAN_OVER_ROWS = 20


def main() -> None:
    """Train (or go on with) the world model of params.yaml; also under torchrun."""
    params = load_params().world_model
    with joined_team(training_device(params.train.device)) as team:
        _train(params, is_first=team.is_first)
        team.wait()


def _train(params: WorldModelParams, *, is_first: bool) -> None:
    config = preset(params.preset)
    windows = open_windows(DATASET, EPISODES, CAPTIONS, config, params.train)
    statistics = windows["train"].statistics
    model = build_model(config, captions_of(windows["train"]), statistics, params.train.seed)
    work_folder = CACHE / training_key(config, params.train, DATASET)
    if not is_first:
        train_world_model(model, windows, params.train, work_folder)
        return
    with track_run(stage="world_model", params=params.model_dump()) as run:
        run_done = train_world_model(
            model, windows, params.train, work_folder, lambda step, row: run.log(row, step=step)
        )
        meta = {
            "label": LABEL,
            "preset": params.preset,
            "steps": params.train.steps,
            "seed": params.train.seed,
        }
        save_checkpoint(CHECKPOINT, run_done.model, meta)
        run.log(run_done.validation, step=params.train.steps)
        run.log_model_folder(CHECKPOINT)
    log = pd.DataFrame(run_done.fitted.log).astype({"step": int})
    with atomic_file(REPORTS / "world_model.csv") as temporary:
        log.to_csv(temporary, index=False)
    last = log.tail(MEAN_OVER_ROWS).mean()
    metrics = {name: float(last[name]) for name in ("loss", "flow", "done", "rigidity")}
    counts = {
        "steps": params.train.steps,
        "n_parameters": sum(p.numel() for p in run_done.model.parameters()),
        "n_train_frames": len(windows["train"]),
        "n_bad_batches": run_done.fitted.n_bad_batches,
    }
    write_json(REPORTS / "world_model.json", metrics | counts | {"val": run_done.validation})
    shutil.rmtree(work_folder, ignore_errors=True)


if __name__ == "__main__":
    run_stage(main)
