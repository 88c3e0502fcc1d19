"""False motion and AUROC of *moves*: known answers of made-up methods."""

from dataclasses import replace

import numpy as np
import pytest

from mu0.dataset.resting_questions import MixedQuestion
from mu0.evaluation.traces.predictions import Method
from mu0.evaluation.traces.resting import EVERYTHING, ask_about_rest, resting_table
from mu0.evaluation.traces.tables import resting_markdown
from mu0.geometry.camera import trace_from_uvz, unproject
from mu0.interfaces import AbstractTracePredictor
from mu0.records import Observation, Queries, TraceSamples
from tests.mu0.evaluation.questions import N_STEPS, QUESTIONS

THRESHOLD_UV = 0.05
N_SHIFTED_STEPS = 2


def mixed() -> list[MixedQuestion]:
    """In every question the first keypoint rests, as it does in the truth."""
    return [MixedQuestion(one, np.array([True, False, False])) for one in QUESTIONS]


class Shifted(AbstractTracePredictor):
    """Every keypoint goes to the right by `shift_uv` for two steps and comes back."""

    name = "shifted"

    def __init__(self, shift_uv: float, moves: list[float] | None = None) -> None:
        self.shift_uv = shift_uv
        self.moves = moves

    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        anchor = queries.anchor_uvz
        uvz = np.tile(anchor[None, :, None], (n_samples, 1, N_STEPS, 1))
        uvz[:, :, :N_SHIFTED_STEPS, 0] += self.shift_uv
        said = None if self.moves is None else np.array(self.moves)
        return TraceSamples(uvz, np.ones(uvz.shape[:3]), said)


def table_of(predictor: AbstractTracePredictor, questions: list[MixedQuestion]) -> dict[str, object]:
    said = ask_about_rest(Method("one", predictor, sees_history=False), questions, seed=0)
    table = resting_table([said], questions, THRESHOLD_UV)
    assert list(table["source"]) == [EVERYTHING, "arm", "hand", "phone"]
    return dict(table.iloc[0])


def test_false_motion_is_the_farthest_step_in_metres_of_points_with_depth() -> None:
    shift_uv = 0.05
    row = table_of(Shifted(shift_uv), mixed())
    away = []
    for one in QUESTIONS:
        if one.is_3d:
            pair = one.queries.anchor_uvz[0] + np.array([[0.0, 0, 0], [shift_uv, 0, 0]])
            assert one.observation.intrinsics is not None
            here, there = unproject(trace_from_uvz(pair[None], *one.size_px), one.observation.intrinsics)[0]
            away.append(np.linalg.norm(there - here))
    assert row["false_motion_m"] == pytest.approx(np.median(away))
    assert row["false_motion_share"] == pytest.approx(np.mean(np.array(away) > 0.03))
    assert (row["n_resting"], row["n_moving"]) == (len(QUESTIONS), 2 * len(QUESTIONS))


def test_standing_still_has_no_false_motion_and_cannot_tell_what_moves() -> None:
    row = table_of(Shifted(0.0), mixed())
    assert (row["false_motion_m"], row["false_motion_share"], row["moves_auroc"]) == (0.0, 0.0, 0.5)
    assert not row["says"]
    assert np.isnan(float(str(row["moves_ece"])))


def test_a_method_that_says_what_moves_is_judged_by_what_it_says() -> None:
    knows = table_of(Shifted(0.0, [0.0, 1.0, 1.0]), mixed())
    assert (knows["moves_auroc"], knows["moves_ece"], knows["says"]) == (1.0, 0.0, True)
    errs = table_of(Shifted(0.0, [1.0, 0.0, 0.0]), mixed())
    assert (errs["moves_auroc"], errs["moves_ece"]) == (0.0, 1.0)


def test_steps_that_are_not_known_do_not_count() -> None:
    late = np.arange(N_STEPS) >= N_SHIFTED_STEPS
    questions = [replace(one, sample=replace(one.sample, valid=one.sample.valid & late)) for one in mixed()]
    assert table_of(Shifted(0.5), questions)["false_motion_m"] == 0.0


def test_without_resting_points_there_is_no_table() -> None:
    assert not len(resting_table([], [], THRESHOLD_UV))
    assert "extract again" in resting_markdown(resting_table([], [], THRESHOLD_UV))
    said = ask_about_rest(Method("one", Shifted(0.1), sees_history=False), mixed(), seed=0)
    assert "| one | all | 10 | 20 |" in resting_markdown(resting_table([said], mixed(), THRESHOLD_UV))
