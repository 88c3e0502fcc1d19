"""Phases and entities of official and second questions of one dataset."""

from collections.abc import Sequence

from mu0.dataset.evaluation import EvaluationSample
from mu0.dataset.resting_questions import MixedQuestion
from mu0.evaluation.phases.labels import LabelFolders, label_keypoints
from mu0.evaluation.traces.by_phase import PhaseLabels


def read_phase_labels(
    samples: Sequence[EvaluationSample], mixed: Sequence[MixedQuestion], folders: LabelFolders
) -> PhaseLabels:
    """Labels of the keypoints of both.

    Raises:
        EpisodeError: An episode is damaged.
        DatasetError: Captions are.
        StageError: A truth was recorded before phases were.
    """
    second = [question.sample for question in mixed]
    return PhaseLabels(label_keypoints(samples, folders), label_keypoints(second, folders))
