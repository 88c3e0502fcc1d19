"""Stage `token_vlm`: train the tokenised VLM on the trace dataset; write checkpoint and metrics."""

import shutil
from pathlib import Path

import pandas as pd

from mu0.baselines.token_vlm.checkpoint import save_token_vlm
from mu0.baselines.token_vlm.config import preset
from mu0.files import atomic_file, write_json
from mu0.params.load import load_params
from mu0.stages.entry import run_stage
from mu0.tracking_run import track_run
from mu0.training.rival import train_rival
from mu0.training.token_vlm import build_token_vlm, token_vlm_key
from mu0.training.world_model import open_windows

DATASET = Path("data/trace_dataset")
EPISODES = Path("data/extracted_traces")
CAPTIONS = Path("data/captions")
CHECKPOINT = Path("models/token_vlm")
REPORTS = Path("reports/training")
CACHE = Path(".mu0_cache/training")
LABEL = "trained from scratch on the extracted traces of this project"
MEAN_OVER_ROWS = 20


def main() -> None:
    """Train (or go on with) the tokenised VLM of params.yaml."""
    params, budget_s = load_params().token_vlm, load_params().benchmark.train_s
    train_s = budget_s if params.train_s == "benchmark" else params.train_s
    config = preset(params.preset, **params.model_dump(exclude={"preset", "train", "train_s"}))
    windows = open_windows(DATASET, EPISODES, CAPTIONS, config.backbone, params.train)
    model = build_token_vlm(config, windows["train"], params.train.seed)
    work_folder = CACHE / f"token_vlm_{token_vlm_key(config, params.train, DATASET, train_s)}"
    with track_run(stage="token_vlm", params=params.model_dump()) as run:
        done = train_rival(
            model, windows, params.train, work_folder, train_s, lambda step, row: run.log(row, step=step)
        )
        meta = {"label": LABEL, "preset": params.preset, "seed": params.train.seed} | done.plan
        save_token_vlm(CHECKPOINT, model, meta)
        run.log(done.validation, step=int(done.plan["steps"]))
        run.log_model_folder(CHECKPOINT)
    log = pd.DataFrame(done.fitted.log).astype({"step": int})
    with atomic_file(REPORTS / "token_vlm.csv") as temporary:
        log.to_csv(temporary, index=False)
    last = log.tail(MEAN_OVER_ROWS).mean()
    metrics = {name: float(last[name]) for name in ("loss", "place", "end")} | done.plan
    metrics |= {"seconds": done.fitted.seconds, "n_bad_batches": done.fitted.n_bad_batches}
    metrics |= {"n_parameters": sum(weight.numel() for weight in model.parameters())}
    metrics |= {"n_train_frames": len(windows["train"])}
    write_json(REPORTS / "token_vlm.json", metrics | {"val": done.validation})
    shutil.rmtree(work_folder, ignore_errors=True)


if __name__ == "__main__":
    run_stage(main)
