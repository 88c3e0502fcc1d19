"""What the stages of all learned rivals do once their model is built: train for the time, save, record."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from assets_defs.sections import section
from assets_defs.tracking import track_run
from mu0.dataset.windows import TraceWindows
from mu0.params.benchmark import BenchmarkParams
from mu0.params.rivals import TokenVlmParams, TraceGenParams
from mu0.training.record import pace, write_record
from mu0.training.rival import train_rival

DATASET = Path("data/trace_dataset")
EPISODES = Path("data/extracted_traces")
CAPTIONS = Path("data/captions")
MODELS = Path("models")
REPORTS = Path("reports/training")
CACHE = Path(".mu0_cache/training")
LABEL = "trained from scratch on the extracted traces of this project"

Save = Callable[[Path, Any, Mapping[str, Any]], None]


def seconds_of(params: TokenVlmParams | TraceGenParams) -> float | None:
    """The time to train for; None if the steps of the section count."""
    return section("benchmark", BenchmarkParams).train_s if params.train_s == "benchmark" else params.train_s


def train_and_save(
    name: str,
    params: TokenVlmParams | TraceGenParams,
    model: nn.Module,
    windows: Mapping[str, TraceWindows],
    key: str,
    save: Save,
) -> None:
    """Train (or go on with) a rival; write models/NAME and reports/training/NAME.{csv,json}.

    Args:
        name: Of the stage.
        params: Its section.
        model: Fresh.
        windows: By split.
        key: Of this very training, for the folder of an interrupted one.
        save: Writes the checkpoint folder.
    """
    work_folder = CACHE / f"{name}_{key}"
    with track_run(stage=name, params=params.model_dump()) as run:
        done = train_rival(
            model,
            windows,
            params.train,
            work_folder,
            seconds_of(params),
            lambda step, row: run.log(row, step=step),
        )
        meta = {"label": LABEL, "preset": params.preset, "seed": params.train.seed} | done.plan
        meta |= {"trained_s": done.fitted.seconds}
        save(MODELS / name, model, meta)
        run.log(done.validation, step=int(done.plan["steps"]))
        run.log_model_folder(MODELS / name)
    facts = done.plan | pace(done.fitted) | {"n_train_frames": len(windows["train"])}
    write_record(REPORTS, name, model, done.fitted, done.validation, facts)
    shutil.rmtree(work_folder, ignore_errors=True)
