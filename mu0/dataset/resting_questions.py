"""Questions about moving and resting keypoints together, beside the official ones about moving ones alone.

Official questions give a part of the answer away: whatever is asked about moves. Here the same moments are
asked again with resting points of the same picture among the keypoints, so that a method must say what moves.

Conventions
    order   the moving keypoints of the official question first, then the resting ones
    truth   a resting point stays in its place, known for as long as any moving point of its question
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from mu0.dataset.evaluation import EvaluationSample
from mu0.dataset.resting import places_at_rest
from mu0.episodes.read import Episode, read_episode
from mu0.geometry.camera import uvz_from_trace
from mu0.records import Queries


@dataclass(frozen=True)
class MixedQuestion:
    """A question and its answer, and which of its keypoints rest."""

    sample: EvaluationSample
    rests: Bool[np.ndarray, " q"]


def mixed_questions(
    samples: Sequence[EvaluationSample], episodes_root: Path, n_resting: int, seed: int
) -> list[MixedQuestion]:
    """The moments of `samples` that have resting points, each with at most `n_resting` of them.

    Raises:
        EpisodeError: An episode is damaged.
    """
    episodes: dict[str, Episode] = {}
    found = []
    for sample in samples:
        if sample.episode_id not in episodes:
            episodes = {sample.episode_id: read_episode(episodes_root / sample.episode_id)}
        places, _ = places_at_rest(episodes[sample.episode_id], sample.frame_index)
        if len(places) > n_resting:
            rng = np.random.default_rng([seed, sample.frame_index])
            places = places[np.sort(rng.choice(len(places), n_resting, replace=False))]
        if len(places):
            place_uvz = uvz_from_trace(places.astype(np.float64)[:, None], *sample.size_px)[:, 0]
            found.append(_with_resting(sample, place_uvz))
    return found


def _with_resting(sample: EvaluationSample, place_uvz: Float[np.ndarray, "n 3"]) -> MixedQuestion:
    n_moving, n_steps = sample.valid.shape
    known = sample.valid.any(0)
    stay = np.where(known[:, None], place_uvz[:, None], 0.0)
    history = sample.queries.history_uvz
    if history is not None:
        seen = np.isfinite(history).all(-1).any(0)
        history = np.concatenate([history, np.where(seen[:, None], place_uvz[:, None], np.nan)])
    mixed = replace(
        sample,
        queries=Queries(np.concatenate([sample.queries.anchor_uvz, place_uvz]), history),
        truth_uvz=np.concatenate([sample.truth_uvz, stay]),
        valid=np.concatenate([sample.valid, np.broadcast_to(known, (len(place_uvz), n_steps))]),
    )
    return MixedQuestion(mixed, np.arange(n_moving + len(place_uvz)) >= n_moving)
