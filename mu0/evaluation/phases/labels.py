"""The phase of every question and the entity of every keypoint, with who knows them.

label_keypoints   questions -> one row per keypoint: phase, entity, known_by
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from mu0.dataset.evaluation import EvaluationSample
from mu0.episodes.read import Episode, read_episode
from mu0.evaluation.phases.names import Entity, KnownBy, Phase
from mu0.evaluation.phases.recorded import Recorded, read_recorded
from mu0.evaluation.phases.told import told_entities, told_phases

COLUMNS = ("phase", "entity", "known_by")


@dataclass(frozen=True)
class LabelFolders:
    """Where labels come from.

    Attributes:
        episodes: Episodes by source and clip.
        captions: Captions of them.
        truths: Exact truth of simulated clips, `<source>/<clip>.npz`; need not exist.
    """

    episodes: Path
    captions: Path
    truths: Path


@dataclass(frozen=True)
class EpisodeLabels:
    """What is known about one episode."""

    episode: Episode
    phases: tuple[Phase, ...]
    known_by: KnownBy
    recorded: Recorded | None
    groups: dict[int, Entity]


def read_labels(episode_id: str, folders: LabelFolders) -> EpisodeLabels:
    """The labels of one episode, from the simulator where it was simulated.

    Raises:
        EpisodeError: The episode is damaged.
        DatasetError: Its captions are.
        StageError: A truth was recorded before phases were.
    """
    episode = read_episode(folders.episodes / episode_id)
    truth = folders.truths / f"{episode_id}.npz"
    if truth.is_file():
        recorded = read_recorded(truth, episode.sidecar.source_frames)
        return EpisodeLabels(episode, recorded.phases, "simulator", recorded, {})
    phases = told_phases(folders.captions / episode_id, episode.n_frames)
    known_by: KnownBy = "captions" if set(phases) != {"unknown"} else "nobody"
    return EpisodeLabels(episode, phases, known_by, None, told_entities(episode, phases))


def label_keypoints(samples: Sequence[EvaluationSample], folders: LabelFolders) -> pd.DataFrame:
    """Phase, entity and who knows them, of the keypoints of all samples one after another.

    Raises:
        EpisodeError: An episode is damaged.
        DatasetError: Captions are.
        StageError: A truth was recorded before phases were.
    """
    tables, held = [], None
    for sample in samples:
        if held is None or held[0] != sample.episode_id:
            held = sample.episode_id, read_labels(sample.episode_id, folders)
        labels = held[1]
        tables.append(
            pd.DataFrame(
                {
                    "phase": labels.phases[sample.frame_index],
                    "entity": _entities(labels, sample),
                    "known_by": labels.known_by,
                }
            )
        )
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*COLUMNS])


def _entities(labels: EpisodeLabels, sample: EvaluationSample) -> Sequence[Entity]:
    anchor = sample.queries.anchor_uvz
    if labels.recorded is not None:
        camera = sample.observation.intrinsics, sample.size_px
        return labels.recorded.entities(anchor, sample.frame_index, camera, is_3d=sample.is_3d)
    return [labels.groups.get(group, "other") for group in _groups_of(labels.episode, sample, anchor)]


def _groups_of(episode: Episode, sample: EvaluationSample, anchor_uvz: Float[np.ndarray, "q 3"]) -> list[int]:
    """The group of the stored point that each keypoint is; points are found again by their place."""
    samples = episode.samples
    if samples is None:
        return [-1] * len(anchor_uvz)
    rows = episode.slot(sample.frame_index)
    height_px, width_px = sample.size_px
    half = np.array([width_px, height_px]) / 2
    stored = np.asarray(samples.keypoints[rows], np.float64) / half - 1
    away = np.linalg.norm(anchor_uvz[:, None, :2].astype(np.float64) - stored[None], axis=-1)
    return [int(group) for group in np.asarray(samples.cluster_ids[rows])[away.argmin(1)]]
