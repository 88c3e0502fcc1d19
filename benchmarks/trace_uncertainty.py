"""What five samples of a world model are worth together: joint best-of-5, and radii that can be relied on.

Predicts held-out traces, fits the factors of `mu0.evaluation.traces.uncertainty` on the validation split and
measures on the test split how often the truth lies within the promised radius, in metres. `naive` is the
radius of a normal distribution with the samples' own spread, without any fit.

    python benchmarks/trace_uncertainty.py --data DATA --model FOLDER --out FILE
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import chi2

from mu0.dataset.evaluation import EvaluationProtocol, EvaluationSample, read_evaluation_samples
from mu0.dataset.index import read_slots
from mu0.dataset.rows import WindowShape
from mu0.evaluation.traces.joint_best import joint_best
from mu0.evaluation.traces.metrics import METRICS, best_of, moving_points, trace_errors
from mu0.evaluation.traces.uncertainty import LEVELS, coverage, fit_scale, spread
from mu0.geometry.camera import trace_from_uvz, unproject
from mu0.model.predictor import TracePredictor

MOVING_UV = 0.05


def held_out(data: Path, split: str, frames: int) -> list[EvaluationSample]:
    """Questions of one split."""
    slots = read_slots(data / "trace_dataset" / "index.parquet")
    protocol = EvaluationProtocol(WindowShape(), "spread", frames)
    chosen = slots[slots["split"] == split]
    return read_evaluation_samples(chosen, data / "extracted_traces", data / "captions", protocol)


def answers(
    predictor: TracePredictor, samples: list[EvaluationSample], n_samples: int
) -> dict[str, np.ndarray]:
    """Predictions and truth of the moving 3D points in metres, and the scene of each."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ("predicted", "truth", "valid", "scenes")}
    for scene, sample in enumerate(samples):
        intrinsics = sample.observation.intrinsics
        if not sample.is_3d or intrinsics is None:
            continue
        moving = moving_points(sample.truth_uvz, sample.queries.anchor_uvz, sample.valid, MOVING_UV)
        uvz = predictor.predict(sample.observation, sample.queries, n_samples, scene).uvz
        for name, trace in (("predicted", uvz), ("truth", sample.truth_uvz)):
            metric = unproject(trace_from_uvz(trace.astype(np.float64), *sample.size_px), intrinsics)
            parts[name].append(metric[..., moving, :, :])
        parts["valid"].append(sample.valid[moving])
        parts["scenes"].append(np.full(int(moving.sum()), scene))
    return {
        name: np.concatenate(values, axis=1 if name == "predicted" else 0) for name, values in parts.items()
    }


def naive_coverage(test: dict[str, np.ndarray]) -> dict[float, float]:
    """Shares within the radius of an isotropic normal distribution of the samples' own spread."""
    error = np.linalg.norm(test["predicted"].mean(axis=0) - test["truth"], axis=-1)
    sigma = spread(test["predicted"]) / 3**0.5
    inside = {level: error <= sigma * chi2.ppf(level, 3) ** 0.5 for level in LEVELS}
    return {level: float(hits[test["valid"]].mean()) for level, hits in inside.items()}


def measure(data: Path, model: Path, frames: int, n_samples: int) -> dict[str, Any]:
    """All numbers."""
    predictor = TracePredictor.from_folder(model, use_history=False)
    val, test = (answers(predictor, held_out(data, split, frames), n_samples) for split in ("val", "test"))
    scale = fit_scale(val["predicted"], val["truth"], val["valid"])
    calibrated = coverage(scale, test["predicted"], test["truth"], test["valid"])
    widths = spread(test["predicted"])[test["valid"]]
    per_sample = [trace_errors(one, test["truth"], test["valid"], [32]) for one in test["predicted"]]
    best: dict[str, dict[str, float]] = {}
    for metric in METRICS:
        errors = np.stack([getattr(one, metric) for one in per_sample])
        best[metric] = {
            "first_cm": 100 * float(np.nanmean(errors[0])),
            "best_per_keypoint_cm": 100 * float(np.nanmean(best_of(errors))),
            "joint_best_cm": 100 * float(np.nanmean(joint_best(errors, test["scenes"]))),
        }
    return {
        "n_samples": n_samples,
        "n_validation_points": scale.n_points,
        "n_test_points": int(test["valid"].sum()),
        "factors": dict(zip(scale.levels, scale.factors, strict=True)),
        "coverage_naive": naive_coverage(test),
        "coverage_calibrated": calibrated,
        "median_radius_cm": {
            level: 100 * float(np.median(scale.radius(widths, level))) for level in scale.levels
        },
        "best_of_samples": best,
    }


def main() -> int:
    """Measure and write the JSON file; fails when a level is missed by more than ten points."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--samples", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    result = measure(arguments.data, arguments.model, arguments.frames, arguments.samples)
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    worst = max(abs(share - level) for level, share in result["coverage_calibrated"].items())
    return 0 if worst <= 0.1 else 1


if __name__ == "__main__":
    sys.exit(main())
