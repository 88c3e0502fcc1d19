"""Served models refuse every unusable request by name, before they compute anything."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_pictures import encode_picture

from mu0.errors import PredictionError
from mu0.records import ActionChunk, Observation, TraceSamples

pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType")  # MLflow on our tables
PICTURE = encode_picture(np.zeros((48, 64, 3), np.uint8))
SQUARE = encode_picture(np.zeros((64, 64, 3), np.uint8))
QUESTION = {"image": PICTURE, "text": "pick it", "keypoints": [[32.0, 24.0], [64, 48]]}
MOMENT = {"image": PICTURE, "wrist_image": SQUARE, "text": "pick it", "state": [0.1] * 9}
ABSENT = object()


class Listening:
    """In the place of both models: keeps what it is asked and computes nothing."""

    state_dim = 9

    def __init__(self, moves: Any = None) -> None:
        self.asked: list[Any] = []
        self.moves = moves

    def predict(self, *question: Any) -> TraceSamples:
        self.asked.append(question)
        return TraceSamples(np.zeros((1, 2, 32, 3)), np.ones((1, 2, 32)), self.moves)

    def reset(self, seed: int) -> None:
        self.asked.append(seed)

    def predict_action_chunk(self, observation: Observation) -> ActionChunk:
        self.asked.append(observation)
        return ActionChunk(np.zeros((16, 5), np.float32), 10.0)


def ask_world_model(row: dict[str, Any], params: Any = None, n_rows: int = 1) -> Listening:
    from mu0.serving.pyfunc_world_model import TraceModel

    model, listening = TraceModel(), Listening()
    model.predictor = listening  # type: ignore[assignment]
    return _asked(model, listening, row, params, n_rows)


def ask_action_expert(row: dict[str, Any], params: Any = None, n_rows: int = 1) -> Listening:
    from mu0.serving.pyfunc_action_expert import ActionModel

    model, listening = ActionModel(), Listening()
    model.policy = listening  # type: ignore[assignment]
    return _asked(model, listening, row, params, n_rows)


def _asked(model: Any, listening: Listening, row: dict[str, Any], params: Any, n_rows: int) -> Listening:
    present = {name: value for name, value in row.items() if value is not ABSENT}
    try:
        answers = model.predict(None, pd.DataFrame([present] * n_rows), params)
    except PredictionError:
        assert listening.asked == [], "refused, but only after something was computed"
        raise
    assert len(answers) == n_rows
    return listening


def test_an_answer_says_what_moves_and_null_where_the_model_does_not() -> None:
    from mu0.serving.pyfunc_world_model import TraceModel

    for moves, said in ((np.array([0.25, 1.0]), [0.25, 1.0]), (None, None)):
        model = TraceModel()
        model.predictor = Listening(moves)  # type: ignore[assignment]
        assert model.predict(None, pd.DataFrame([QUESTION])).loc[0, "moves"] == said


def test_good_requests_reach_the_models() -> None:
    [(observation, queries, n_samples, seed)] = ask_world_model(QUESTION, {"n_samples": 64, "seed": 3}).asked
    assert (observation.instruction, n_samples, seed) == ("pick it", 64, 3)
    np.testing.assert_array_equal(queries.anchor_uvz, np.array([[0, 0, 1], [1, 1, 1]], np.float32))
    seed, observation = ask_action_expert(MOMENT, {"seed": 7}).asked
    assert (seed, observation.wrist_image.shape) == (7, (64, 64, 3))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image", None),
        ("image", ABSENT),
        ("image", 123),
        ("image", "%%"),
        ("text", None),
        ("text", ABSENT),
        ("text", float("nan")),
        ("text", ""),
        ("text", "apple " * 34000),
        ("keypoints", None),
        ("keypoints", ABSENT),
        ("keypoints", []),
        ("keypoints", [1, 2]),
        ("keypoints", [[1, 2, 3]]),
        ("keypoints", [[1, 2], [3]]),
        ("keypoints", [["a", "b"]]),
        ("keypoints", [[float("nan"), 1]]),
        ("keypoints", [[1e6, -1e6]]),
        ("keypoints", [[i % 48, i // 48] for i in range(2000)]),
    ],
)
def test_a_world_model_names_the_field_that_is_wrong(field: str, value: object) -> None:
    with pytest.raises(PredictionError, match=f"The field `{field}`"):
        ask_world_model({**QUESTION, field: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_samples", 0), ("n_samples", -3), ("n_samples", 500), ("n_samples", None), ("n_samples", "5"),
     ("seed", -1), ("seed", 2**31), ("seed", 0.5), ("seed", None)],
)  # fmt: skip
def test_a_world_model_names_the_parameter_that_is_wrong(name: str, value: object) -> None:
    with pytest.raises(PredictionError, match=f"The field `{name}` is"):
        ask_world_model(QUESTION, {name: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image", None),
        ("wrist_image", None),
        ("wrist_image", ABSENT),
        ("wrist_image", PICTURE),
        ("text", None),
        ("state", None),
        ("state", "0.1"),
        ("state", [0.1] * 8),
        ("state", [0.1] * 10),
        ("state", [[0.1] * 9]),
        ("state", [float("nan")] + [0.1] * 8),
        ("state", [None] + [0.1] * 8),
        ("state", [1e30] + [0.1] * 8),
    ],
)
def test_an_action_expert_names_the_field_that_is_wrong(field: str, value: object) -> None:
    with pytest.raises(PredictionError, match=f"The field `{field}`"):
        ask_action_expert({**MOMENT, field: value})
    with pytest.raises(PredictionError, match="The field `seed`"):
        ask_action_expert(MOMENT, {"seed": -1})


def test_one_request_has_a_limited_number_of_rows() -> None:
    for ask, row in ((ask_world_model, QUESTION), (ask_action_expert, MOMENT)):
        with pytest.raises(PredictionError, match="The request has 257 rows"):
            ask(row, n_rows=257)


def test_a_calibrated_camera_reaches_an_expert_that_asks_for_it() -> None:
    from mu0.serving.pyfunc_action_expert import ActionModel

    model, listening = ActionModel(), Listening()
    model.policy = listening  # type: ignore[assignment]
    camera = {"intrinsics": list(range(1, 10)), "camera_from_base": np.eye(4).ravel().tolist()}
    model.predict(None, pd.DataFrame([MOMENT | camera]))
    assert model.view is not None
    np.testing.assert_array_equal(model.view.intrinsics, np.arange(1, 10).reshape(3, 3))
    np.testing.assert_array_equal(model.view.camera_from_base, np.eye(4))
    model.predict(None, pd.DataFrame([MOMENT]))
    assert model.view is None, "the last request's camera is not this one's"


@pytest.mark.parametrize(
    ("field", "value"),
    [("intrinsics", [1, 2]), ("intrinsics", None), ("camera_from_base", [float("nan")] * 16)],
)
def test_a_camera_that_is_none_is_named(field: str, value: object) -> None:
    camera = {"intrinsics": list(range(1, 10)), "camera_from_base": np.eye(4).ravel().tolist()}
    with pytest.raises(PredictionError, match=f"`{field}`"):
        ask_action_expert(MOMENT | camera | {field: value})
