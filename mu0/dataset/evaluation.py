"""Evaluation samples: fixed questions with known answers, asked of every method alike.

Which frames, which keypoints and which text are chosen depends on the index and the seed only. The frames
of an episode are spread evenly over its anchors; the official protocol takes the 5th, 9th and 13th anchor
instead.

Conventions
    uvz absolute; truth step 0 is the first step after the anchor; `history_uvz` is NaN where unknown
    an episode without depth has z = 0 in anchor, history and truth, and `is_3d` is False

Source
    reference/mu0.md §6 (frame selection of the headline run: offsets 4, 8, 12; 16 keypoints).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from mu0.dataset.captions import CaptionPool, read_captions
from mu0.dataset.rows import Windows, WindowShape, check_columns, eligible_rows, read_windows
from mu0.episodes.read import Episode, read_episode
from mu0.errors import DatasetError
from mu0.geometry.camera import uvz_from_trace
from mu0.records import Observation, Queries

OFFICIAL_OFFSETS = (4, 8, 12)
Protocol = Literal["spread", "official"]


@dataclass(frozen=True)
class EvaluationSample:
    """One question and its answer."""

    episode_id: str
    source: str
    scene_id: str
    frame_index: int
    is_3d: bool
    observation: Observation
    queries: Queries
    truth_uvz: Float[np.ndarray, "q step 3"]
    valid: Bool[np.ndarray, "q step"]

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width of the image."""
        return self.observation.image.shape[0], self.observation.image.shape[1]


@dataclass(frozen=True)
class EvaluationProtocol:
    """Which frames and keypoints are asked about.

    Attributes:
        shape: Length of past and future.
        frames: "spread" takes evenly spaced anchors, "official" the 5th, 9th and 13th.
        frames_per_episode: Anchors per episode for "spread".
        n_queries: Most keypoints per sample.
        seed: Seed of the choice of keypoints.
    """

    shape: WindowShape
    frames: Protocol = "spread"
    frames_per_episode: int = 4
    n_queries: int = 16
    seed: int = 0


def read_evaluation_samples(
    slots: pd.DataFrame, episodes_root: Path, captions_root: Path, protocol: EvaluationProtocol
) -> list[EvaluationSample]:
    """Samples of all episodes in `slots` (rows of `index.parquet`, usually those of the test split).

    Raises:
        DatasetError: `slots` is empty.
        EpisodeError: An episode is damaged.
    """
    if not len(slots):
        raise DatasetError(
            "There is no held-out frame to evaluate on.",
            expected="a test split with at least one scene",
            remedy="add videos: a source needs three scenes before one is held out.",
        )
    samples: list[EvaluationSample] = []
    for episode_id, rows in slots.sort_values(["episode_id", "frame_index"]).groupby("episode_id", sort=True):
        episode = read_episode(episodes_root / str(episode_id))
        captions = read_captions(captions_root, str(episode_id))
        chosen = rows.iloc[_choose_frames(len(rows), protocol)]
        samples.extend(_sample(episode, captions, row, protocol) for _, row in chosen.iterrows())
    return samples


def _choose_frames(n_slots: int, protocol: EvaluationProtocol) -> list[int]:
    """Places among the sorted anchors of one episode."""
    if protocol.frames == "official":
        return [offset for offset in OFFICIAL_OFFSETS if offset < n_slots]
    n_frames = min(protocol.frames_per_episode, n_slots)
    middles = (np.arange(n_frames) + 0.5) * n_slots / n_frames
    return [int(place) for place in middles]


def _sample(
    episode: Episode, captions: CaptionPool, row: "pd.Series[Any]", protocol: EvaluationProtocol
) -> EvaluationSample:
    frame = int(row["frame_index"])
    windows = _draw_windows(episode, frame, protocol)
    height, width = episode.size_px
    history = uvz_from_trace(windows.history.astype(np.float64), height, width)
    past_valid = windows.history_valid[:, :0:-1, None]
    truth = uvz_from_trace(windows.future[:, 1:].astype(np.float64), height, width)
    valid = windows.future_valid[:, 1:]
    return EvaluationSample(
        episode_id=str(row["episode_id"]),
        source=str(row["source"]),
        scene_id=str(row["scene_id"]),
        frame_index=frame,
        is_3d=bool(row["is_3d"]),
        observation=Observation(
            image=np.array(episode.images[frame]),
            instruction=captions.first(frame),
            depth_m=None if episode.depth is None else np.array(episode.depth[frame], dtype=np.float32),
            intrinsics=np.array(episode.intrinsics[frame]),
        ),
        queries=Queries(
            anchor_uvz=history[:, 0], history_uvz=np.where(past_valid, history[:, :0:-1], np.nan)
        ),
        truth_uvz=np.where(valid[..., None], truth, 0.0),
        valid=valid,
    )


def _draw_windows(episode: Episode, frame: int, protocol: EvaluationProtocol) -> Windows:
    if episode.samples is None:
        raise DatasetError(
            f"{episode.folder} has no samples, but the index lists its frame {frame}.",
            expected="the episode that index.parquet was made from",
            remedy="run `dvc repro trace_dataset`.",
        )
    check_columns(episode.samples, protocol.shape, str(episode.folder))
    rows: Int[np.ndarray, " n"] = np.arange(episode.samples.n_rows)[episode.slot(frame)]
    rows = rows[eligible_rows(episode.samples, episode.size_px, protocol.shape)[rows]]
    if len(rows) > protocol.n_queries:
        rng = np.random.default_rng([protocol.seed, frame])
        rows = np.sort(rng.choice(rows, protocol.n_queries, replace=False))
    return read_windows(episode.samples, rows, protocol.shape)
