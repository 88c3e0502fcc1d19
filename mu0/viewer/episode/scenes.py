"""Scenes of an episode for the report: traces in 3D at a handful of anchor frames, with captions."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from mu0.episodes.read import Episode, read_episode
from mu0.errors import EpisodeError
from mu0.files import read_json
from mu0.viewer.scene import FLAT_DEPTH_M, Layer, make_scene

MOST_SCENES = 6
TEXTS = "curated_training_texts.json"


def episode_scenes(
    folder: Path, captions: Path | None = None, most: int = MOST_SCENES
) -> list[dict[str, Any]]:
    """Scenes of evenly spread anchor frames.

    Args:
        folder: The episode.
        captions: Folder of its curated_training_texts.json; the episode's own folder when None.
        most: How many scenes at most.

    Raises:
        EpisodeError: The episode cannot be read or holds no traces.
    """
    episode = read_episode(folder)
    if episode.samples is None:
        raise EpisodeError(
            f"{folder} holds no traces.",
            expected="at least one anchor frame with moving points",
            remedy="look at its row in quality.parquet: the reason stands there.",
        )
    frames = episode.samples.frame_indices
    chosen = frames[np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).astype(int))]
    return [_scene(episode, int(frame), _caption(captions or folder, int(frame))) for frame in chosen]


def _scene(episode: Episode, frame: int, caption: str) -> dict[str, Any]:
    assert episode.samples is not None
    rows = episode.slot(frame)
    samples, intrinsics = episode.samples, episode.intrinsics[frame].astype(np.float64)
    future = _metres(samples.traj[rows], samples.valid_steps[rows], intrinsics, flat=episode.depth is None)
    past = _metres(
        samples.traj_history[rows], samples.valid_steps_history[rows], intrinsics, flat=episode.depth is None
    )
    depth_m = None if episode.depth is None else episode.depth[frame].astype(np.float32)
    return make_scene(
        f"{episode.folder.parent.name}/{episode.folder.name}, frame {frame}",
        np.ascontiguousarray(episode.images[frame]),
        [Layer("future", future[None]), Layer("past", past[None], colour="#9fb4c8", shown=False)],
        instruction=caption or episode.sidecar.instruction,
        depth_m=depth_m,
        intrinsics=intrinsics,
    )  # fmt: skip


def _metres(
    traces: Float[np.ndarray, "n step 3"],
    valid: Bool[np.ndarray, "n step"],
    intrinsics: Float[np.ndarray, "3 3"],
    *,
    flat: bool,
) -> Float[np.ndarray, "n step 3"]:
    """Pixels and depth of the anchor camera -> metres; invalid steps become NaN, which the page skips."""
    length = max(1, int(valid.any(axis=0).sum()))
    pixels = np.where(valid[:, :length, None], traces[:, :length].astype(np.float64), np.nan)
    z_m = np.full(pixels.shape[:2], FLAT_DEPTH_M) if flat else pixels[..., 2]
    x_m = (pixels[..., 0] - intrinsics[0, 2]) / intrinsics[0, 0] * z_m
    y_m = (pixels[..., 1] - intrinsics[1, 2]) / intrinsics[1, 1] * z_m
    return np.stack([x_m, y_m, np.where(np.isnan(x_m), np.nan, z_m)], axis=-1)


def _caption(folder: Path, frame: int) -> str:
    path = folder / TEXTS
    if not path.exists():
        return ""
    entries = read_json(path)["chunk_texts"]
    return next(
        (entry["instruction_1"] for entry in entries if entry["start_idx"] <= frame <= entry["end_idx"]), ""
    )
