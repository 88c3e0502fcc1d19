"""Asking methods: the past is shown only to those that may see it; broken answers are named."""

import numpy as np
import pytest

from mu0.errors import PredictionError
from mu0.evaluation.traces.predictions import Method, predict_all
from mu0.interfaces import AbstractTracePredictor
from mu0.records import Observation, Queries, TraceSamples
from tests.mu0.evaluation.questions import QUESTIONS, OffsetPredictor


class Spy(AbstractTracePredictor):
    """Remembers whether it saw a past; answers with NaN if told so."""

    name = "spy"

    def __init__(self, fill: float = 0.0) -> None:
        self.fill = fill
        self.saw_history: list[bool] = []

    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        self.saw_history.append(queries.history_uvz is not None)
        uvz = np.full((n_samples, len(queries.anchor_uvz), 8, 3), self.fill)
        return TraceSamples(uvz, np.ones(uvz.shape[:3]))


@pytest.mark.parametrize("sees_history", [True, False])
def test_history_is_shown_only_where_allowed(sees_history: bool) -> None:
    spy = Spy()
    predict_all(Method("spy", spy, sees_history=sees_history), QUESTIONS[:2], 1, seed=0)
    assert set(spy.saw_history) == {sees_history}


def test_answers_keep_the_order_of_keypoints_and_the_seed_of_their_question() -> None:
    method = Method("offset", OffsetPredictor(), sees_history=False)
    whole, part = (predict_all(method, questions, 2, seed=0) for questions in (QUESTIONS, QUESTIONS[:3]))
    np.testing.assert_array_equal(whole.uvz[:, :9], part.uvz)
    assert len(whole.seconds) == len(QUESTIONS)
    assert np.isfinite(whole.seconds).all()


def test_a_broken_answer_names_method_and_sample() -> None:
    with pytest.raises(PredictionError, match=r"spy answered sample 0 \(arm/e0, frame 0\) .* 0% finite"):
        predict_all(Method("spy", Spy(np.nan), sees_history=True), QUESTIONS, 1, seed=0)
