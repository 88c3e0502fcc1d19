"""Screening of μ0's options: each trained for the same number of steps on the same windows, then compared.

A short run tells which options clearly hurt or help; it is no verdict on small differences. Every option
(an entry of mu0.model.ablations or of EXTRA below) leaves one JSON file; finished ones are skipped, so the
run can be stopped and started again. Seeds, batches, evaluation samples and noise are the same for all.

    python benchmarks/model_options.py --data DATA --out FOLDER --steps 400 [--only mu0 raw_waypoints]
    python benchmarks/model_options.py --out FOLDER --table
"""

import argparse
import dataclasses
import json
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mu0.dataset.evaluation import EvaluationProtocol, EvaluationSample, read_evaluation_samples
from mu0.dataset.index import read_slots
from mu0.dataset.rows import WindowShape
from mu0.dataset.windows import TraceWindows
from mu0.evaluation.statistics.bootstrap import paired_bootstrap
from mu0.evaluation.traces.keypoint_errors import keypoint_errors, keypoint_table
from mu0.evaluation.traces.predictions import Method, predict_all
from mu0.model.ablations import ABLATIONS
from mu0.model.predictor import TracePredictor
from mu0.model.presets import preset
from mu0.params.world_model import TrainParams
from mu0.training.world_model import build_model, captions_of, open_windows, train_world_model

WAYPOINTS = {"curve": "waypoints", "n_control_points": 32}
EXTRA: dict[str, dict[str, Any]] = {
    "text_unguided": {"text_dropout": 0.2},
    "waypoints_1_token": WAYPOINTS | {"control_points_per_token": 32},
    "waypoints_2_tokens": WAYPOINTS | {"control_points_per_token": 16},
    "waypoints_1_token_skip": WAYPOINTS | {"control_points_per_token": 32, "flow_skip": True},
    "waypoints_2_tokens_skip": WAYPOINTS | {"control_points_per_token": 16, "flow_skip": True},
    "anchor_depth_skip": {"anchor_depth": True, "flow_skip": True},
    "anchor_depth_metric": {"anchor_depth": True, "displacement": "metric"},
}
COLUMNS = ("ade_m", "dtw_m", "minADE_5_m", "minDTW_5_m", "ade_uv", "minADE_5_uv")
N_SAMPLES = 5


def options() -> dict[str, dict[str, Any]]:
    """Everything that can be screened."""
    return ABLATIONS | EXTRA


def evaluation_samples(data: Path, frames_per_episode: int) -> list[EvaluationSample]:
    """The same held-out questions for every option."""
    slots = read_slots(data / "trace_dataset" / "index.parquet")
    protocol = EvaluationProtocol(WindowShape(), "spread", frames_per_episode)
    held_out = slots[slots["split"] == "test"]
    return read_evaluation_samples(held_out, data / "extracted_traces", data / "captions", protocol)


def measure(
    name: str,
    windows: TraceWindows,
    samples: list[EvaluationSample],
    train: TrainParams,
    size: str,
) -> dict[str, Any]:
    """Train one option and ask it all questions, without the past of the keypoints."""
    config = preset(size, **options()[name])  # type: ignore[arg-type]
    model = build_model(config, captions_of(windows), windows.statistics, train.seed)
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        run = train_world_model(model, {"train": windows}, train, Path(folder))
    train_s = time.process_time() - started
    keypoints = keypoint_table(samples, moving_threshold_uv=0.05)
    columns: dict[str, Any] = {}
    seconds = {}
    for suffix, sees_history in (("", False), ("_history", True)):
        predictor = TracePredictor(model, use_depth=name == "with_depth")
        predictions = predict_all(Method(name, predictor, sees_history), samples, N_SAMPLES, seed=0)
        errors = keypoint_errors(samples, keypoints, predictions, [32])
        moving = errors[errors["is_moving"]]
        columns |= {f"{key}{suffix}": moving[key].round(5).tolist() for key in COLUMNS}
        seconds[f"latency_s{suffix}"] = float(np.median(predictions.seconds))
    return {
        "option": name,
        "changes": options()[name],
        "config": dataclasses.asdict(config),
        "train": train.model_dump(),
        "train_cpu_s": train_s,
        "n_parameters": sum(p.numel() for p in model.parameters()),
        "last_loss": float(np.mean([row["loss"] for row in run.fitted.log[-5:]])),
        "episodes": moving["episode_id"].tolist(),
        **seconds,
        "errors": columns,
    }


def table(folder: Path) -> str:
    """Means and paired differences to `mu0` of every finished option, as Markdown."""
    results = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    base = results["mu0"]
    lines = [
        "| option | ADE cm | best-5 DTW cm | its change, % | same with history, cm | CPU s | ms |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, result in results.items():
        errors, reference = result["errors"], base["errors"]
        mean = {key: 100 * float(np.mean(values)) for key, values in errors.items()}
        difference = paired_bootstrap(
            np.array(errors["minDTW_5_m"]), np.array(reference["minDTW_5_m"]), result["episodes"], seed=0
        )
        share = 100 / float(np.mean(reference["minDTW_5_m"]))
        change = " to ".join(f"{share * end:+.0f}" for end in (difference.low, difference.high))
        lines.append(
            f"| {name} | {mean['ade_m']:.2f} | {mean['minDTW_5_m']:.2f} | {share * difference.mean:+.0f} "
            f"({change}) | {mean['minDTW_5_m_history']:.2f} | {result['train_cpu_s']:.0f} "
            f"| {1000 * result['latency_s']:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Screen what is not finished yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="holds trace_dataset, extracted_traces and captions")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--frames", type=int, default=2, help="anchors per held-out episode")
    parser.add_argument("--only", nargs="*", help="names of options; all of them when left out")
    parser.add_argument("--table", action="store_true", help="only show what is finished")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    wanted = arguments.only or list(options())
    missing = [name for name in wanted if not (arguments.out / f"{name}.json").is_file()]
    if missing and not arguments.table:
        train = TrainParams(steps=arguments.steps, batch_size=16, seed=arguments.seed)
        data: Path = arguments.data
        folders = (data / "trace_dataset", data / "extracted_traces", data / "captions")
        windows = open_windows(*folders, preset(arguments.preset), train)
        samples = evaluation_samples(data, arguments.frames)
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name in missing:
            result = measure(name, windows["train"], samples, train, arguments.preset)
            (arguments.out / f"{name}.json").write_text(json.dumps(result))
    print(table(arguments.out))


if __name__ == "__main__":
    main()
