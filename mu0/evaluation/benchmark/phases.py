"""Phases and entities of the benchmark's questions: held-out ones first, those on unseen clips after them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mu0.dataset.evaluation import EvaluationSample
from mu0.dataset.folders import TraceFolders
from mu0.dataset.resting_questions import MixedQuestion
from mu0.evaluation.benchmark.questions import UNSEEN_SOURCES
from mu0.evaluation.phases.labels import LabelFolders, label_keypoints
from mu0.evaluation.traces.by_phase import PhaseLabels

Told = tuple[TraceFolders, Path]


def read_phase_labels(
    questions: Sequence[EvaluationSample], mixed: Sequence[MixedQuestion], known: Told, unseen: Told
) -> PhaseLabels:
    """Labels of the keypoints of both sets of questions, in their order.

    Args:
        questions: With held-out moments first.
        mixed: The second set, in the same order of sources.
        known: Folders of the held-out episodes, and of the exact truth of those that are simulated.
        unseen: The same of what nobody has seen.

    Raises:
        EpisodeError: An episode is damaged.
        DatasetError: Captions are.
        StageError: A truth was recorded before phases were.
    """
    second = [question.sample for question in mixed]
    return PhaseLabels(_labels(questions, known, unseen), _labels(second, known, unseen))


def _labels(questions: Sequence[EvaluationSample], known: Told, unseen: Told) -> pd.DataFrame:
    is_unseen = [question.source in UNSEEN_SOURCES for question in questions]
    assert is_unseen == sorted(is_unseen), "unseen clips are asked about last"
    n_known = len(is_unseen) - sum(is_unseen)
    parts = [
        label_keypoints(chosen, LabelFolders(folders.episodes, folders.captions, truths))
        for chosen, (folders, truths) in ((questions[:n_known], known), (questions[n_known:], unseen))
        if chosen
    ]
    return pd.concat(parts, ignore_index=True) if parts else label_keypoints([], _NOWHERE)


_NOWHERE = LabelFolders(Path(), Path(), Path())
