"""The questions of the trace benchmark: held-out moments of every source, and of what nobody has seen.

Every method answers exactly these. Their digest is kept beside the answers, so that answers to other
questions (another seed, another split) are refused instead of being compared.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from mu0.dataset.evaluation import EvaluationProtocol, EvaluationSample, read_evaluation_samples
from mu0.dataset.folders import TraceFolders
from mu0.dataset.index import read_slots
from mu0.dataset.rows import WindowShape
from mu0.params.benchmark import BenchmarkParams
from mu0.params.world_model import TraceDatasetParams

UNSEEN_SOURCES = ("unseen_objects", "unseen_camera")


@dataclass(frozen=True)
class Asked:
    """What decides which questions there are: sections `benchmark` and `trace_dataset` of params.yaml."""

    benchmark: BenchmarkParams
    data: TraceDatasetParams

    @property
    def protocol(self) -> EvaluationProtocol:
        """Which frames and keypoints are asked about."""
        return EvaluationProtocol(
            WindowShape(self.data.history_len, self.data.future_len, self.data.min_future_steps),
            frames=self.benchmark.protocol,
            frames_per_episode=self.benchmark.frames_per_episode,
            n_queries=self.benchmark.n_queries,
            seed=self.benchmark.seed,
        )


def read_questions(asked: Asked, known: TraceFolders, unseen: TraceFolders) -> list[EvaluationSample]:
    """Questions on the test split of the trace dataset `known`, then those on unseen clips.

    Raises:
        DatasetError: There is no held-out frame.
        EpisodeError: An episode is damaged.
    """
    slots = first_episodes(read_slots(unseen.index), asked.benchmark.max_episodes)
    return [
        *read_held_out(asked, known),
        *read_evaluation_samples(slots, unseen.episodes, unseen.captions, asked.protocol),
    ]


def read_held_out(asked: Asked, known: TraceFolders, source: str | None = None) -> list[EvaluationSample]:
    """Questions on the test split of a trace dataset, of one source or of all.

    Raises:
        DatasetError: There is no held-out frame.
        EpisodeError: An episode is damaged.
    """
    slots = read_slots(known.index)
    slots = slots[slots["split"] == "test"]
    if source is not None:
        slots = slots[slots["source"] == source]
    chosen = first_episodes(slots, asked.benchmark.max_episodes)
    return read_evaluation_samples(chosen, known.episodes, known.captions, asked.protocol)


def first_episodes(slots: pd.DataFrame, n: int) -> pd.DataFrame:
    """The slots of the first `n` episodes of each source, in the order of their names."""
    chosen = [
        episode
        for _, rows in slots.groupby("source", sort=True)
        for episode in sorted(rows["episode_id"].unique())[:n]
    ]
    return slots[slots["episode_id"].isin(chosen)]


def digest_of(questions: Sequence[EvaluationSample]) -> str:
    """Hex digest of what is asked and what is true, in order."""
    digest = hashlib.sha256()
    for question in questions:
        digest.update(f"{question.episode_id}/{question.frame_index}\0".encode())
        digest.update(question.observation.instruction.encode())
        digest.update(question.queries.anchor_uvz.tobytes())
        digest.update(question.truth_uvz.tobytes() + question.valid.tobytes())
    return digest.hexdigest()
