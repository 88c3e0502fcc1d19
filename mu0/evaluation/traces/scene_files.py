"""Moments for the viewer: picture, depth, the truth and every method's samples as one JSON file each.

`<n>.json` holds: image, depth (file names beside it; depth is 16-bit PNG in millimetres, 0 = missing, or
null), width, height, intrinsics, instruction, episode_id, source, frame_index, is_3d, anchor [q][3], truth
[q][step][3], valid [q][step], methods {name: [sample][q][step][3]}; all traces in absolute uvz.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mu0.dataset.evaluation import EvaluationSample
from mu0.evaluation.traces.predictions import Predictions
from mu0.files import write_json

DIGITS = 5
MAX_DEPTH_MM = 65535


def choose_scenes(n_questions: int, n_scenes: int) -> list[int]:
    """Evenly spaced questions: no picking of nice ones."""
    n = min(n_scenes, n_questions)
    return [int(place) for place in (np.arange(n) + 0.5) * n_questions / max(n, 1)]


def write_scenes(
    folder: Path,
    samples: Sequence[EvaluationSample],
    predictions: Sequence[Predictions],
    chosen: Sequence[int],
) -> None:
    """Write the chosen questions as `0.json`, `0.png`, `0_depth.png`, `1.json` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    borders = np.cumsum([0, *(len(sample.truth_uvz) for sample in samples)])
    for number, place in enumerate(chosen):
        keypoints = slice(int(borders[place]), int(borders[place + 1]))
        methods = {one.method.name: _rounded(one.uvz[:, keypoints]) for one in predictions}
        _write_scene(folder, number, samples[place], methods)


def _write_scene(folder: Path, number: int, sample: EvaluationSample, methods: dict[str, Any]) -> None:
    seen = sample.observation
    image = f"{number}.png"
    _write_png(folder / image, cv2.cvtColor(seen.image, cv2.COLOR_RGB2BGR))
    depth = None
    if seen.depth_m is not None:
        depth = f"{number}_depth.png"
        millimetres = np.clip(np.nan_to_num(seen.depth_m, posinf=0, neginf=0) * 1000, 0, MAX_DEPTH_MM)
        _write_png(folder / depth, millimetres.round().astype(np.uint16))
    height, width = sample.size_px
    scene = {
        "image": image,
        "depth": depth,
        "width": width,
        "height": height,
        "intrinsics": None if seen.intrinsics is None else seen.intrinsics.tolist(),
        "instruction": seen.instruction,
        "episode_id": sample.episode_id,
        "source": sample.source,
        "frame_index": sample.frame_index,
        "is_3d": sample.is_3d,
        "anchor": _rounded(sample.queries.anchor_uvz),
        "truth": _rounded(sample.truth_uvz),
        "valid": sample.valid.tolist(),
        "methods": methods,
    }
    write_json(folder / f"{number}.json", scene)


def _rounded(uvz: np.ndarray) -> list[Any]:
    return np.round(uvz.astype(np.float64), DIGITS).tolist()


def _write_png(path: Path, pixels: np.ndarray) -> None:
    """Unlike `cv2.imwrite`, which says nothing where the disk is full."""
    path.write_bytes(bytes(cv2.imencode(".png", pixels)[1]))
