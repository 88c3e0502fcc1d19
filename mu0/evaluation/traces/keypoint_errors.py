"""Errors of every keypoint in every space: normalised image, mixed units (official) and metres.

    uv     image plane, 2 = full width or height
    uvz    the official mixed units: uv and metres in one norm
    depth  z alone [m]
    m      metric 3D [m] after unprojection with the episode's intrinsics

A keypoint without known depth has errors in uv only; the other columns are NaN and are left out of means.

Columns of the table
    method, horizon, keypoint, sample, episode_id, source, is_moving,
    {ade,fde,dtw,frechet}_{space} for the first sample,
    min{ADE,FDE,DTW,Frechet}_{S}_{space} for the best of S samples, chosen per keypoint and metric
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from mu0.dataset.evaluation import EvaluationSample
from mu0.evaluation.traces.metrics import METRICS, best_of, moving_points, trace_errors
from mu0.geometry.camera import trace_from_uvz, unproject

SPACES = ("uv", "uvz", "depth", "m")
AXES = {"uv": slice(0, 2), "uvz": slice(0, 3), "depth": slice(2, 3)}
BEST_NAMES = {"ade": "ADE", "fde": "FDE", "dtw": "DTW", "frechet": "Frechet"}


@runtime_checkable
class Answered(Protocol):
    """Who answered, and what: `Predictions`, or answers that were read from disk."""

    @property
    def name(self) -> str:
        """Name of the method."""

    @property
    def uvz(self) -> Float[np.ndarray, "sample n step 3"]:
        """Futures of the keypoints of all samples one after another."""


def column(metric: str, space: str, best_of_n: int = 1) -> str:
    """The official name of a metric, e.g. `ade_uv` or `minADE_5_uv`."""
    return f"{metric}_{space}" if best_of_n == 1 else f"min{BEST_NAMES[metric]}_{best_of_n}_{space}"


def keypoint_table(samples: Sequence[EvaluationSample], moving_threshold_uv: float) -> pd.DataFrame:
    """One row per keypoint: sample, episode_id, source, is_3d, is_moving."""
    parts = [
        pd.DataFrame(
            {
                "sample": place,
                "episode_id": sample.episode_id,
                "source": sample.source,
                "is_3d": sample.is_3d,
                "is_moving": moving_points(
                    sample.truth_uvz, sample.queries.anchor_uvz, sample.valid, moving_threshold_uv
                ),
            }
        )
        for place, sample in enumerate(samples)
    ]
    return pd.concat(parts, ignore_index=True).rename_axis("keypoint").reset_index()


def keypoint_errors(
    samples: Sequence[EvaluationSample],
    keypoints: pd.DataFrame,
    predictions: Answered,
    horizons: Sequence[int],
) -> pd.DataFrame:
    """Errors of one method, one row per keypoint and horizon; see the module's text for the columns."""
    valid = np.concatenate([sample.valid for sample in samples])
    truth = np.concatenate([sample.truth_uvz for sample in samples])
    is_3d = keypoints["is_3d"].to_numpy(bool)
    uvz = _without_copies(predictions.uvz)
    spaces = {name: (uvz[..., axes], truth[..., axes]) for name, axes in AXES.items()}
    spaces["m"] = (in_metres(uvz, samples), in_metres(truth[None], samples)[0])
    columns: dict[str, Float[np.ndarray, "horizon n"]] = {}
    for space, (predicted, known) in spaces.items():
        usable = valid if space == "uv" else valid & is_3d[:, None]
        columns |= _columns(predicted, known, usable, horizons, space, len(predictions.uvz))
    tables = [
        keypoints.drop(columns="is_3d").assign(
            method=predictions.name, horizon=h, **{key: value[i] for key, value in columns.items()}
        )
        for i, h in enumerate(horizons)
    ]
    return pd.concat(tables, ignore_index=True)


def _columns(
    predicted: Float[np.ndarray, "sample n t d"],
    truth: Float[np.ndarray, "n t d"],
    valid: Bool[np.ndarray, "n t"],
    horizons: Sequence[int],
    space: str,
    best_of_n: int,
) -> dict[str, np.ndarray]:
    per_sample = [trace_errors(one, truth, valid, horizons) for one in predicted]
    columns = {}
    for metric in METRICS:
        errors = np.stack([getattr(one, metric) for one in per_sample])
        columns[column(metric, space)] = errors[0]
        if best_of_n > 1:
            columns[column(metric, space, best_of_n)] = best_of(errors)
    return columns


def _without_copies(uvz: Float[np.ndarray, "sample n t 3"]) -> Float[np.ndarray, "kept n t 3"]:
    """Only the first sample of a method whose samples are all equal."""
    return uvz[:1] if np.array_equal(uvz[1:], uvz[:-1]) else uvz


def in_metres(
    uvz: Float[np.ndarray, "sample n t 3"], samples: Sequence[EvaluationSample]
) -> Float[np.ndarray, "sample n t 3"]:
    """Keypoints of all samples in metres, each in its sample's camera.

    Samples of unknown camera give zeros, which nobody reads.
    """
    metric = np.zeros(uvz.shape)
    first = 0
    for sample in samples:
        part = slice(first, first + len(sample.truth_uvz))
        first = part.stop
        if sample.observation.intrinsics is not None:
            trace = trace_from_uvz(uvz[:, part].astype(np.float64), *sample.size_px)
            metric[:, part] = unproject(trace, sample.observation.intrinsics)
    return metric
