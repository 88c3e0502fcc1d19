"""Normalisation statistics: how far traces travel, and how deep scenes are.

A trace is learned as its displacement from the anchor, divided per axis by a *delta scale*: the 95th
percentile of |displacement| over many (row, step) pairs of the training episodes. Depth images are coloured
between the 1st and 99th percentile of the training depth, in logarithms. Both live in one small JSON file
with the keys of the official release, so that statistics can be exchanged with it in both directions.

Conventions
    u, v  2 x / W - 1 and 2 y / H - 1; z metres; displacements are relative to the anchor (step 0)
    rows  all rows of an episode whose anchor is valid, finite and inside the image
    2-D   episodes without depth speak about u and v only; with none that has depth, delta_scale_z is 1

Sources
    reference/mu0.md §2 (the official `trace_delta_stats` module): percentile, limits, random stream, keys.
"""

import dataclasses
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mu0.episodes.read import Episode
from mu0.errors import DatasetError
from mu0.files import write_json

MAX_PAIRS_PER_EPISODE = 200_000
MAX_DEPTH_FRAMES = 32
DEPTH_STRIDE_PX = 4
MIN_DEPTH_M = 1e-3
DELTA_SCALES = ("delta_scale_x", "delta_scale_y", "delta_scale_z")
SMALLEST_SCALE = 1e-3  # an axis on which nothing moves must not divide by zero
REMEDY = "build it again with `dvc repro trace_dataset`, or copy the file that belongs to the checkpoint."


@dataclass(frozen=True)
class NormalizerStats:
    """The content of `normalizer_stats.json`, with the official keys as field names."""

    delta_scale_x: float
    delta_scale_y: float
    delta_scale_z: float
    num_samples: int
    history_len: int
    future_len: int
    percentile: float = 95.0
    target_kind: str = "anchor"
    video_fraction: float = 1.0
    depth_log_min: float | None = None
    depth_log_max: float | None = None
    depth_p1_m: float | None = None
    depth_p99_m: float | None = None
    depth_num_samples: int | None = None
    depth_num_dirs: int | None = None
    depth_percentile_low: float = 1.0
    depth_percentile_high: float = 99.0

    @property
    def delta_scale(self) -> Float[np.ndarray, " 3"]:
        """Scale per axis: u, v (normalised units) and z [m]."""
        return np.array([self.delta_scale_x, self.delta_scale_y, self.delta_scale_z], dtype=np.float32)

    @property
    def depth_log_range(self) -> tuple[float, float] | None:
        """(log_min, log_max) of the depth panel, or None when no training episode had depth."""
        if self.depth_log_min is None or self.depth_log_max is None:
            return None
        return self.depth_log_min, self.depth_log_max

    def to_json(self) -> dict[str, Any]:
        """Plain values under the official keys."""
        return dataclasses.asdict(self)

    def write(self, path: Path) -> None:
        """Write the JSON file in one step."""
        write_json(path, self.to_json())

    @classmethod
    def read(cls, path: Path) -> "NormalizerStats":
        """Read and check a statistics file, ours or the official one.

        Raises:
            DatasetError: The file is missing, is not JSON, lacks keys or holds impossible values.
        """
        try:
            content = json.loads(path.read_text())
        except FileNotFoundError:
            raise _unusable(path, "is missing", "a normalizer_stats.json") from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise _unusable(path, f"is not JSON ({error})", "a normalizer_stats.json") from error
        return cls.from_json(content, path)

    @classmethod
    def from_json(cls, content: Any, path: Path) -> "NormalizerStats":
        """Check `content`, which came from `path`, and make it a record; unknown keys are left out.

        Raises:
            DatasetError: As in `read`.
        """
        if not isinstance(content, dict):
            raise _unusable(path, f"holds a {type(content).__name__}", "a JSON object")
        if not any(key.startswith("depth_") for key in content):
            raise _unusable(path, "has no key that starts with depth_", "statistics with a depth range")
        content = {"target_kind": "anchor", **content}
        fields = {field.name: field for field in dataclasses.fields(cls)}
        required = [name for name, field in fields.items() if field.default is dataclasses.MISSING]
        if missing := [name for name in required if name not in content]:
            raise _unusable(path, f"lacks {', '.join(missing)}", f"the keys {', '.join(required)}")
        if content["target_kind"] != "anchor":
            raise _unusable(path, f"has target_kind {content['target_kind']!r}", "target_kind 'anchor'")
        for name in DELTA_SCALES:
            value = content[name]
            if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
                raise _unusable(path, f"has {name} = {value!r}", "a finite number above 0")
        return cls(
            **{name: _as(field.type, content[name]) for name, field in fields.items() if name in content}
        )


def _as(kind: Any, value: Any) -> Any:
    """JSON writes 95.0 as 95 in some programs; a field of floats gets a float."""
    return float(value) if kind in (float, float | None) and isinstance(value, int) else value


def _unusable(path: Path, found: str, expected: str) -> DatasetError:
    return DatasetError(f"{path} {found}.", expected=expected, remedy=REMEDY)


def compute_statistics(
    episodes: Iterable[Episode], *, history_len: int, future_len: int, percentile: float = 95.0, seed: int = 0
) -> NormalizerStats:
    """Statistics of training episodes, which must come in a fixed order (sorted by name).

    Raises:
        DatasetError: No episode has a single valid future step.
    """
    rng = np.random.default_rng(seed)
    deltas_uv: list[Float[np.ndarray, "n 2"]] = []
    deltas_z: list[Float[np.ndarray, " n"]] = []
    depths_m: list[Float[np.ndarray, " n"]] = []
    for episode in episodes:
        delta = _sample_deltas(episode, future_len, rng)
        deltas_uv.append(delta[:, :2])
        if episode.sidecar.is_3d:
            deltas_z.append(delta[:, 2])
        if episode.depth is not None:
            depths_m.append(_sample_depth_m(episode.depth, rng))
    uv = np.concatenate(deltas_uv) if deltas_uv else np.zeros((0, 2), np.float32)
    z = np.concatenate(deltas_z) if deltas_z else np.zeros(0, np.float32)
    if len(uv) == 0:
        raise DatasetError(
            f"The {len(deltas_uv)} training episodes hold no valid future step.",
            expected="at least one keypoint that is followed beyond its anchor",
            remedy="look at data/extracted_traces/quality.parquet, or add videos in which something moves.",
        )
    scale_u, scale_v = (_scale(uv[:, axis], percentile) for axis in (0, 1))
    return NormalizerStats(
        delta_scale_x=scale_u,
        delta_scale_y=scale_v,
        delta_scale_z=_scale(z, percentile) if len(z) else 1.0,
        num_samples=len(uv),
        history_len=history_len,
        future_len=future_len,
        percentile=percentile,
        **_depth_range(depths_m),
    )


def _scale(delta: Float[np.ndarray, " n"], percentile: float) -> float:
    return max(float(np.percentile(np.abs(delta), percentile)), SMALLEST_SCALE)


def _sample_deltas(episode: Episode, future_len: int, rng: np.random.Generator) -> Float[np.ndarray, "n 3"]:
    """Displacements (u, v, z) of at most 200 000 random (row, step) pairs of one episode."""
    samples = episode.samples
    if samples is None:
        return np.zeros((0, 3), np.float32)
    height, width = episode.size_px
    to_uv = np.array([2 / width, 2 / height, 1], dtype=np.float32)
    anchor = np.asarray(samples.traj_history[:, 0], dtype=np.float32) * to_uv
    with np.errstate(invalid="ignore"):
        inside = np.isfinite(anchor).all(-1) & (np.abs(anchor[:, :2] - 1) <= 1).all(-1)
    rows = np.flatnonzero(inside & np.asarray(samples.valid_steps_history[:, 0]))
    future = np.asarray(samples.traj[:, 1 : future_len + 1], dtype=np.float32)[rows]
    valid = np.asarray(samples.valid_steps[:, 1 : future_len + 1])[rows] & np.isfinite(future).all(-1)
    pairs = np.flatnonzero(valid)
    if len(pairs) > MAX_PAIRS_PER_EPISODE:
        pairs = rng.choice(pairs, MAX_PAIRS_PER_EPISODE, replace=False)
    row, step = np.divmod(pairs, future.shape[1])
    return future[row, step] * to_uv - anchor[rows[row]]


def _sample_depth_m(depth_m: Float[np.ndarray, "t h w"], rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    n_frames = min(MAX_DEPTH_FRAMES, len(depth_m))
    frames = np.sort(rng.choice(len(depth_m), n_frames, replace=False))
    values = np.asarray(depth_m[frames, ::DEPTH_STRIDE_PX, ::DEPTH_STRIDE_PX], dtype=np.float32)
    return values[np.isfinite(values) & (values > MIN_DEPTH_M)]


def _depth_range(depths_m: list[Float[np.ndarray, " n"]]) -> dict[str, Any]:
    pooled = np.concatenate(depths_m) if depths_m else np.zeros(0, np.float32)
    if len(pooled) == 0:
        return {}
    low_m, high_m = (float(value) for value in np.percentile(pooled, [1.0, 99.0]))
    return {
        "depth_log_min": math.log(max(low_m, MIN_DEPTH_M)),
        "depth_log_max": math.log(max(high_m, 1.01 * low_m)),
        "depth_p1_m": low_m,
        "depth_p99_m": high_m,
        "depth_num_samples": len(pooled),
        "depth_num_dirs": len(depths_m),
    }
