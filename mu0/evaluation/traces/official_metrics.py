"""The numbers of the release's `metrics.json`, so that a published one can be compared.

Every trajectory (a keypoint of a sample) with a valid step counts once, whatever scene it belongs to; the
best of S is taken per keypoint and metric; `uvz` mixes image units and metres in one norm. Means of L1 errors
are the exception: they are taken per batch first.

Keys
    {ade,fde,dtw,frechet}_{uvz,uv,depth}, min{ADE,FDE,DTW,Frechet}_S_{...} for S > 1
    smooth_{pred,gt}_{...}      mean length of the second difference where both neighbours are valid
    l1_abs, l1_uv, l1_depth     summed over channels, per valid step of a keypoint
    l1_delta                    the same, divided by the delta scale
    horizon, n_samples, n_batches

Source
    reference/mu0.md §7.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.dataset.evaluation import EvaluationSample
from mu0.evaluation.traces.keypoint_errors import AXES, column
from mu0.evaluation.traces.metrics import METRICS, best_of, trace_errors
from mu0.files import write_json

BATCH_SIZE = 8  # of the official evaluation; only the L1 means depend on it
SHORT_HORIZONS = (8, 16)


def official_metrics(
    predicted: Float[np.ndarray, "sample n t 3"],
    truth: Float[np.ndarray, "n t 3"],
    valid: Bool[np.ndarray, "n t"],
    batch_of: Int[np.ndarray, " n"],
    delta_scale: Float[np.ndarray, " 3"],
) -> dict[str, Any]:
    """All numbers of one horizon, which is the length of the arrays.

    Args:
        predicted: Absolute u, v, z of every sample; the first one is the plain prediction.
        truth: Absolute u, v, z.
        valid: True where the truth is known.
        batch_of: The batch in which a trajectory was evaluated.
        delta_scale: Of the statistics.

    Returns:
        Official key -> value; NaN where nothing is valid.
    """
    horizon, n_samples = truth.shape[1], len(predicted)
    numbers: dict[str, Any] = {"horizon": horizon, "n_samples": n_samples}
    numbers |= _l1(predicted[0] - truth, valid, batch_of, delta_scale)
    for space, axes in AXES.items():
        errors = [trace_errors(one[..., axes], truth[..., axes], valid, [horizon]) for one in predicted]
        for metric in METRICS:
            values = np.stack([getattr(each, metric) for each in errors])
            numbers[column(metric, space)] = _mean(values[0])
            if n_samples > 1:
                numbers[column(metric, space, n_samples)] = _mean(best_of(values))
        numbers[f"smooth_pred_{space}"] = _mean(
            np.concatenate([_bends(one[..., axes], valid) for one in predicted])
        )
        numbers[f"smooth_gt_{space}"] = _mean(_bends(truth[..., axes], valid))
    return numbers


def write_official_metrics(
    folder: Path,
    samples: Sequence[EvaluationSample],
    predicted: Float[np.ndarray, "sample n t 3"],
    delta_scale: Float[np.ndarray, " 3"],
) -> None:
    """Write metrics.json, metrics_8.json and metrics_16.json; the keypoints of `samples` in their order."""
    valid = np.concatenate([sample.valid for sample in samples])
    truth = np.concatenate([sample.truth_uvz for sample in samples])
    counts = [len(sample.valid) for sample in samples]
    batch_of = np.repeat(np.arange(len(samples)) // BATCH_SIZE, counts)
    full = valid.shape[1]
    for horizon in (*(each for each in SHORT_HORIZONS if each < full), full):
        numbers = official_metrics(
            predicted[:, :, :horizon], truth[:, :horizon], valid[:, :horizon], batch_of, delta_scale
        )
        write_json(folder / ("metrics.json" if horizon == full else f"metrics_{horizon}.json"), numbers)


def _l1(
    error: Float[np.ndarray, "n t 3"],
    valid: Bool[np.ndarray, "n t"],
    batch_of: Int[np.ndarray, " n"],
    delta_scale: Float[np.ndarray, " 3"],
) -> dict[str, Any]:
    absolute = np.where(valid[..., None], np.abs(error), 0.0).sum(1)  # per trajectory and channel
    parts = {
        "l1_abs": absolute.sum(-1),
        "l1_uv": absolute[:, :2].sum(-1),
        "l1_depth": absolute[:, 2],
        "l1_delta": (absolute / delta_scale).sum(-1),
    }
    batches = np.unique(batch_of)
    n_steps = np.array([max(int(valid[batch_of == batch].sum()), 1) for batch in batches])
    means = {
        name: float(np.mean([each[batch_of == batch].sum() for batch in batches] / n_steps))
        for name, each in parts.items()
    }
    return means | {"n_batches": len(batches)}


def _bends(path: Float[np.ndarray, "n t d"], valid: Bool[np.ndarray, "n t"]) -> Float[np.ndarray, " k"]:
    """Lengths of second differences at steps that are valid with both neighbours."""
    second = path[:, 2:] - 2 * path[:, 1:-1] + path[:, :-2]
    return np.linalg.norm(second, axis=-1)[valid[:, 2:] & valid[:, 1:-1] & valid[:, :-2]]


def _mean(values: Float[np.ndarray, "*shape"]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
