"""Stage `world_model`: train μ0 on the trace dataset; write checkpoint, metrics and loss curve."""

import shutil
from pathlib import Path

from assets_defs.entry import run_stage
from assets_defs.sections import section
from assets_defs.tracking import track_run
from mu0.model.checkpoint import save_checkpoint
from mu0.model.presets import preset
from mu0.model.pretrained import find_weights
from mu0.params.world_model import WorldModelParams
from mu0.training.record import pace, write_record
from mu0.training.team import joined_team, training_device
from mu0.training.world_model import model_for, open_windows, train_world_model, training_key

DATASET = Path("data/trace_dataset")
EPISODES = Path("data/extracted_traces")
CAPTIONS = Path("data/captions")
CHECKPOINT = Path("models/world_model")
REPORTS = Path("reports/training")
CACHE = Path(".mu0_cache/training")
DATA = "the extracted traces of this project"


def main() -> None:
    """Train (or go on with) the world model of params.yaml; also under torchrun."""
    params = section("world_model", WorldModelParams)
    with joined_team(training_device(params.train.device)) as team:
        _train(params, is_first=team.is_first)
        team.wait()


def _train(params: WorldModelParams, *, is_first: bool) -> None:
    config = preset(params.preset)
    weights = find_weights(config, params)
    windows = open_windows(DATASET, EPISODES, CAPTIONS, config, params.train)
    model = model_for(config, windows["train"], params.train.seed, weights)
    work_folder = CACHE / training_key(model.config, params.train, DATASET, weights)
    if not is_first:
        train_world_model(model, windows, params.train, work_folder)
        return
    with track_run(stage="world_model", params=params.model_dump()) as run:
        run_done = train_world_model(
            model, windows, params.train, work_folder, lambda step, row: run.log(row, step=step)
        )
        known = {"preset": params.preset, "steps": params.train.steps, "seed": params.train.seed}
        in_what = {"convolutions": run_done.convolutions}
        meta = {"label": weights.label(DATA)} | known | in_what | weights.facts
        save_checkpoint(CHECKPOINT, run_done.model, meta)
        run.log(run_done.validation | pace(run_done.fitted), step=params.train.steps)
        run.log_model_folder(CHECKPOINT)
    facts = {"steps": params.train.steps, "n_train_frames": len(windows["train"])} | in_what
    write_record(REPORTS, "world_model", run_done.model, run_done.fitted, run_done.validation, facts)
    shutil.rmtree(work_folder, ignore_errors=True)


if __name__ == "__main__":
    run_stage(main)
