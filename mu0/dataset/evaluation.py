"""Evaluation samples: fixed questions with known answers, asked of every method alike.

Which frames, which keypoints and which text are chosen depends on the index and the seed only. The frames
of an episode are spread evenly over its anchors; the official protocol takes the 5th, 9th and 13th anchor
that has enough keypoints, and draws order, keypoints and texts as the release does (`mu0.dataset.official`).

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

from mu0.dataset.captions import read_captions
from mu0.dataset.official import OFFSETS, OfficialDraw, headline_order, usable_slots
from mu0.dataset.rows import WindowShape, check_columns, eligible_rows, read_windows
from mu0.episodes.arrays import Samples
from mu0.episodes.read import Episode, read_episode
from mu0.errors import DatasetError
from mu0.geometry.camera import uvz_from_trace
from mu0.records import Observation, Queries

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
        frames: "spread" takes evenly spaced anchors, "official" the 5th, 9th and 13th, shuffled.
        frames_per_episode: Anchors per episode for "spread".
        n_queries: Most keypoints per sample; for "official" also the fewest that a frame must have.
        seed: Seed of the choice of keypoints, and for "official" of the order.
        official_offsets: Which of the usable anchors "official" takes, counted from 0.
    """

    shape: WindowShape
    frames: Protocol = "spread"
    frames_per_episode: int = 4
    n_queries: int = 16
    seed: int = 0
    official_offsets: tuple[int, ...] = OFFSETS


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
    if protocol.frames == "official":
        return _official_samples(slots, episodes_root, captions_root, protocol)
    samples: list[EvaluationSample] = []
    for episode_id, rows in slots.sort_values(["episode_id", "frame_index"]).groupby("episode_id", sort=True):
        episode = read_episode(episodes_root / str(episode_id))
        captions = read_captions(captions_root, str(episode_id))
        chosen = rows.iloc[_choose_frames(len(rows), protocol)]
        for _, row in chosen.iterrows():
            frame = int(row["frame_index"])
            kept = _draw_rows(episode, frame, protocol)
            samples.append(_sample(episode, captions.first(frame), row, (frame, kept), protocol))
    return samples


def _official_samples(
    slots: pd.DataFrame, episodes_root: Path, captions_root: Path, protocol: EvaluationProtocol
) -> list[EvaluationSample]:
    """The headline evaluation's samples in its order."""
    rows = [group.iloc[0] for _, group in slots.groupby("episode_id", sort=True)]
    episodes = [read_episode(episodes_root / str(row["episode_id"])) for row in rows]
    usable = [usable_slots(_samples_of(episode), protocol.n_queries) for episode in episodes]
    draw = OfficialDraw(protocol.seed)
    found = []
    for place, slot in headline_order(usable, protocol.seed, protocol.official_offsets):
        episode, row = episodes[place], rows[place]
        samples = _samples_of(episode)
        kept = draw.rows(samples, slot, episode.size_px, protocol.n_queries, protocol.n_queries)
        frame = int(samples.frame_indices[slot])
        text = draw.caption(read_captions(captions_root, str(row["episode_id"])), frame)
        found.append(_sample(episode, text, row, (frame, kept), protocol))
    return found


def _choose_frames(n_slots: int, protocol: EvaluationProtocol) -> list[int]:
    """Places among the sorted anchors of one episode."""
    n_frames = min(protocol.frames_per_episode, n_slots)
    middles = (np.arange(n_frames) + 0.5) * n_slots / n_frames
    return [int(place) for place in middles]


def _sample(
    episode: Episode,
    text: str,
    row: "pd.Series[Any]",
    frame_and_rows: tuple[int, Int[np.ndarray, " q"]],
    protocol: EvaluationProtocol,
) -> EvaluationSample:
    frame, kept = frame_and_rows
    stored = _samples_of(episode)
    check_columns(stored, protocol.shape, str(episode.folder))
    windows = read_windows(stored, kept, protocol.shape)
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
            instruction=text,
            depth_m=None if episode.depth is None else np.array(episode.depth[frame], dtype=np.float32),
            intrinsics=np.array(episode.intrinsics[frame]),
        ),
        queries=Queries(
            anchor_uvz=history[:, 0], history_uvz=np.where(past_valid, history[:, :0:-1], np.nan)
        ),
        truth_uvz=np.where(valid[..., None], truth, 0.0),
        valid=valid,
    )


def _draw_rows(episode: Episode, frame: int, protocol: EvaluationProtocol) -> Int[np.ndarray, " q"]:
    """At most `n_queries` eligible rows of a frame, ascending."""
    samples = _samples_of(episode)
    check_columns(samples, protocol.shape, str(episode.folder))
    rows: Int[np.ndarray, " n"] = np.arange(samples.n_rows)[episode.slot(frame)]
    rows = rows[eligible_rows(samples, episode.size_px, protocol.shape)[rows]]
    if len(rows) > protocol.n_queries:
        rng = np.random.default_rng([protocol.seed, frame])
        rows = np.sort(rng.choice(rows, protocol.n_queries, replace=False))
    return rows


def _samples_of(episode: Episode) -> Samples:
    if episode.samples is None:
        raise DatasetError(
            f"{episode.folder} has no samples, but the index lists its frames.",
            expected="the episode that index.parquet was made from",
            remedy="run `dvc repro trace_dataset`.",
        )
    return episode.samples
