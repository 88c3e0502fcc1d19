"""The release's metrics files of every method, on what the benchmark held out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mu0.dataset.evaluation import EvaluationSample
from mu0.evaluation.benchmark.answers import Answers
from mu0.evaluation.benchmark.questions import UNSEEN_SOURCES
from mu0.evaluation.traces.official_metrics import write_official_metrics


def write_official_files(
    folder: Path,
    questions: Sequence[EvaluationSample],
    answers: Sequence[Answers],
    delta_scale: Float[np.ndarray, " 3"],
) -> None:
    """Write `folder/<method>/metrics*.json` of every method.

    Args:
        folder: Where to.
        questions: Of the benchmark: held-out ones first, those on unseen clips after them.
        answers: To all of them.
        delta_scale: Of the statistics.
    """
    held_out = [question for question in questions if question.source not in UNSEEN_SOURCES]
    n_keypoints = sum(len(question.valid) for question in held_out)
    for one in answers:
        write_official_metrics(folder / one.name, held_out, one.uvz[:, :n_keypoints], delta_scale)
