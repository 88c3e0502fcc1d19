"""Phases and entities where nobody recorded them: from an episode's captions and its own entities.

phases    skills of the captions' events; an event with several is divided evenly among them, in their order
entities  of the groups of points that extraction found: what moves while a hand approaches is the gripper
          (or hand, with what carries it), what rests then and moves while something is carried is the target

Both are guesses and flagged as such: captions of simulated clips name the right skill in about nine of ten
events (docs/captions.md).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mu0.episodes.read import Episode
from mu0.errors import DatasetError
from mu0.evaluation.phases.names import PHASE_OF_SKILL, Entity, Phase
from mu0.files import read_json

NAME = "curated_captions.json"
MOVES_WIDTHS = 0.002  # a point that goes farther in the picture from one frame to the next moves
MOST = 0.5  # of the moments of a phase


def told_phases(folder: Path, n_frames: int) -> tuple[Phase, ...]:
    """The phase of each frame as the captions have it; "unknown" where they do not say.

    Args:
        folder: Of the episode's captions; need not exist.
        n_frames: Of the episode.

    Raises:
        DatasetError: The file is there but is not in the official form.
    """
    found: list[Phase] = ["unknown"] * n_frames
    path = folder / NAME
    if not path.is_file():
        return tuple(found)
    try:
        events = [
            (chunk["chunk"]["start_idx"], chunk["chunk"]["end_idx"], chunk["caption"]["skill_labels"])
            for chunk in read_json(path)["chunks"]
            if chunk.get("caption", {}).get("skill_labels")
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path} cannot be used: {type(error).__name__}: {error}.",
            expected="chunks with start_idx, end_idx and a caption",
            remedy="build it again with `dvc repro captions`.",
        ) from error
    for first, last, labels in events:
        edges = np.linspace(first, last + 1, len(labels) + 1).round().astype(int)
        for label, start, end in zip(labels, edges[:-1], edges[1:], strict=True):
            span = slice(max(start, 0), min(end, n_frames))
            found[span] = [PHASE_OF_SKILL.get(label, "unknown")] * len(found[span])
    return tuple(found)


def told_entities(episode: Episode, phases: Sequence[Phase]) -> dict[int, Entity]:
    """What each group of points is, by its number; a group that fits neither is "other"."""
    samples = episode.samples
    if samples is None or samples.raw_traj.shape[1] < 2:
        return {}
    moved: dict[tuple[int, Phase], list[float]] = {}
    for slot, frame in enumerate(samples.frame_indices):
        phase = phases[int(frame)]
        if phase not in ("approach", "carry"):
            continue
        rows = samples.rows(slot)
        known = np.asarray(samples.raw_valid_steps[rows, 1])
        ahead = np.asarray(samples.raw_traj[rows, :2, :2], np.float64)
        goes = np.linalg.norm(ahead[:, 1] - ahead[:, 0], axis=-1) > MOVES_WIDTHS * episode.size_px[1]
        groups = np.asarray(samples.cluster_ids[rows])
        for group in np.unique(groups[known]):
            moved.setdefault((int(group), phase), []).append(float(goes[known & (groups == group)].mean()))
    return {
        group: _entity(moved.get((group, "approach"), []), moved.get((group, "carry"), []))
        for group in {group for group, _ in moved}
    }


def _entity(approach: Sequence[float], carry: Sequence[float]) -> Entity:
    if not approach:
        return "other"  # first seen with something in the hand: it may be either
    if np.mean(approach) >= MOST:
        return "gripper"
    return "target" if carry and np.mean(carry) >= MOST else "other"
