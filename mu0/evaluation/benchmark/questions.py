"""The questions of the trace benchmark: held-out moments of every source, and of what nobody has seen.

Every method answers exactly these. Their digest is kept beside the answers, so that answers to other
questions (another seed, another split) are refused instead of being compared.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mu0.dataset.evaluation import EvaluationProtocol, EvaluationSample, read_evaluation_samples
from mu0.dataset.index import read_slots
from mu0.dataset.rows import WindowShape
from mu0.params import Params

DATASET = Path("data/trace_dataset")
EPISODES = Path("data/extracted_traces")
CAPTIONS = Path("data/captions")
UNSEEN = Path("data/benchmark/unseen")
UNSEEN_SOURCES = ("unseen_objects", "unseen_camera")


def read_questions(params: Params, root: Path = Path()) -> list[EvaluationSample]:
    """Questions on the test split of the trace dataset, then those on unseen clips.

    Raises:
        DatasetError: There is no held-out frame.
        EpisodeError: An episode is damaged.
    """
    unseen = first_episodes(read_slots(root / UNSEEN / "index.parquet"), params.benchmark.max_episodes)
    folders = root / UNSEEN / EPISODES.name, root / UNSEEN / CAPTIONS.name
    return [*read_held_out(params, root), *read_evaluation_samples(unseen, *folders, protocol_of(params))]


def read_held_out(params: Params, root: Path = Path(), source: str | None = None) -> list[EvaluationSample]:
    """Questions on the test split of the trace dataset, of one source or of all.

    Raises:
        DatasetError: There is no held-out frame.
        EpisodeError: An episode is damaged.
    """
    slots = read_slots(root / DATASET / "index.parquet")
    slots = slots[slots["split"] == "test"]
    if source is not None:
        slots = slots[slots["source"] == source]
    chosen = first_episodes(slots, params.benchmark.max_episodes)
    return read_evaluation_samples(chosen, root / EPISODES, root / CAPTIONS, protocol_of(params))


def protocol_of(params: Params) -> EvaluationProtocol:
    """Which frames and keypoints are asked about."""
    data, benchmark = params.trace_dataset, params.benchmark
    return EvaluationProtocol(
        WindowShape(data.history_len, data.future_len, data.min_future_steps),
        frames=benchmark.protocol,
        frames_per_episode=benchmark.frames_per_episode,
        n_queries=benchmark.n_queries,
        seed=benchmark.seed,
    )


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
