"""The benchmark's second set of questions: the same moments with resting keypoints among the moving ones."""

from collections.abc import Sequence

from mu0.dataset.evaluation import EvaluationSample
from mu0.dataset.folders import TraceFolders
from mu0.dataset.resting_questions import MixedQuestion, mixed_questions
from mu0.evaluation.benchmark.questions import UNSEEN_SOURCES, Asked


def read_mixed_questions(
    asked: Asked, questions: Sequence[EvaluationSample], known: TraceFolders, unseen: TraceFolders
) -> list[MixedQuestion]:
    """The same moments with resting keypoints among those that are asked about, where episodes have them.

    Raises:
        EpisodeError: An episode is damaged.
    """
    rest = asked.benchmark.n_resting, asked.benchmark.seed
    held_out = [question for question in questions if question.source not in UNSEEN_SOURCES]
    others = [question for question in questions if question.source in UNSEEN_SOURCES]
    return [
        *mixed_questions(held_out, known.episodes, *rest),
        *mixed_questions(others, unseen.episodes, *rest),
    ]
