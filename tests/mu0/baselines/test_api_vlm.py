"""Chat models as trace predictors, against a server on this machine that misbehaves in every known way."""

import base64
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from jaxtyping import Float

from mu0.baselines.api_vlm.answer import read_trajectories
from mu0.baselines.api_vlm.predictor import ApiVlmPredictor
from mu0.baselines.api_vlm.prompt import draw_rings, grid_from_uv, uv_from_grid
from mu0.errors import PredictionError
from mu0.params.api_vlm import ApiVlmParams
from mu0.records import Observation, Queries, TraceSamples
from mu0.traceextract.captions.captioners.answer import AnswerError
from tests.mu0.traceextract.captions.captioners.fake_endpoint import Act, Script, Seen, endpoint

KEY = "sk-very-secret-456"
STEPS = 4
ANCHORS = np.array([[0.0, 0.0, 1.5], [-1.0, 0.5, 0.7]])
QUERIES = Queries(ANCHORS, history_uvz=np.array([[[0.5, 0.5, 1.0]], [[np.nan, np.nan, np.nan]]]))


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def _answer(**changes: Any) -> str:
    entries = [
        {"id": 0, "future": [[500, 500], [600, 500], [700, 500], [800, 500]]},
        {"id": 1, "future": [[0, 750], [0, 750], [0.5, 750], [-20, 1010]]},
    ]
    for number, future in changes.items():
        entries[int(number[1:])]["future"] = future
    return json.dumps({"trajectories": entries})


GOOD = Act(text=_answer())


def _observation() -> Observation:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (60, 90, 3), dtype=np.uint8)
    return Observation(image, "open the drawer", depth_m=np.full((60, 90), 1.0, np.float32))


def _predictor(url: str, folder: Path, **rest: Any) -> ApiVlmPredictor:
    defaults: dict[str, Any] = {"enabled": True, "backoff_s": 0.01, "timeout_s": 5.0, "attempts": 2}
    return ApiVlmPredictor.from_params(ApiVlmParams(base_url=url, **(defaults | rest)), STEPS, folder)


def _ask(
    script: Script, folder: Path, n_samples: int = 1, **rest: Any
) -> tuple[TraceSamples | PredictionError, Seen, ApiVlmPredictor]:
    with endpoint(script) as (url, seen):
        predictor = _predictor(url, folder, **rest)
        try:
            return predictor.predict(_observation(), QUERIES, n_samples, seed=3), seen, predictor
        except PredictionError as error:
            return error, seen, predictor


def test_it_is_off_unless_params_say_otherwise(tmp_path: Path) -> None:
    with pytest.raises(PredictionError, match=r"switched off(.|\n)*api_vlm.enabled: true"):
        ApiVlmPredictor.from_params(ApiVlmParams(), STEPS, tmp_path)


def test_an_answer_becomes_absolute_traces_whose_depth_rests(tmp_path: Path) -> None:
    samples, _, predictor = _ask(lambda *_: GOOD, tmp_path)
    assert isinstance(samples, TraceSamples)
    np.testing.assert_allclose(samples.uvz[0, 0, :, 0], [0, 0.2, 0.4, 0.6], atol=1e-12)
    np.testing.assert_allclose(samples.uvz[0, 1, 3, :2], [-1.04, 1.02])
    assert (samples.uvz[0, :, :, 2] == ANCHORS[:, 2, None]).all()
    assert samples.valid_probability.shape == (1, 2, STEPS)
    assert predictor.report()[0].startswith("1 asked (0 corrected once), 0 known")


def test_the_question_holds_rings_keypoints_and_task(tmp_path: Path) -> None:
    _, seen, _ = _ask(lambda *_: GOOD, tmp_path)
    body = seen.bodies[0]
    assert (body["temperature"], body["top_p"]) == (1.0, 0.95)
    _, user = body["messages"]
    assert [part["type"] for part in user["content"]] == ["text", "image_url", "text"]
    png = base64.b64decode(user["content"][1]["image_url"]["url"].split(",")[1])
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (512, 768, 3)
    words = user["content"][2]["text"]
    for said in ("Task: open the drawer", "id 0: [500, 500]", "id 1: [0, 750]", "Give 4 positions"):
        assert said in words
    assert "before" not in words


def test_history_and_depth_are_shown_if_asked_for(tmp_path: Path) -> None:
    _, seen, _ = _ask(lambda *_: GOOD, tmp_path, use_history=True, use_depth=True)
    content = seen.bodies[0]["messages"][1]["content"]
    assert [part["type"] for part in content].count("image_url") == 2
    assert "id 0: [[750, 750]]" in content[-1]["text"]
    assert "id 1: [null]" in content[-1]["text"]


def test_samples_are_answers_to_requests_with_seeds_of_their_own(tmp_path: Path) -> None:
    def script(_: int, body: dict[str, Any]) -> Act:
        return Act(text=_answer(_0=[[body["seed"], 0]] * STEPS))

    samples, seen, _ = _ask(script, tmp_path, n_samples=3)
    assert isinstance(samples, TraceSamples)
    assert sorted(body["seed"] for body in seen.bodies) == [9, 10, 11]
    np.testing.assert_allclose(samples.uvz[:, 0, 0, 0], np.array([9, 10, 11]) / 500 - 1)


def test_a_bad_answer_is_sent_back_once_with_what_is_wrong(tmp_path: Path) -> None:
    bad = Act(text=_answer(_1=[[0, 750]]))
    samples, seen, predictor = _ask(lambda number, _: GOOD if number else bad, tmp_path)
    assert isinstance(samples, TraceSamples)
    assert "id 1 has 1 positions, not 4" in seen.bodies[1]["messages"][-1]["content"]
    assert predictor.counts.corrected == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("I cannot tell.", "the answer is not valid JSON"),
        ("", "the answer is empty"),
        ("[1, 2]", "a JSON list, not an object"),
        ('{"trajectories": {}}', "trajectories must be a list"),
        ('{"trajectories": [{"id": 0, "future": []}]}', r"lacks the ids \[1\]"),
        ('{"trajectories": [{"id": 7, "future": []}]}', "an id from 0 to 1"),
        ('{"trajectories": [{"id": true, "future": []}]}', "an id from 0 to 1"),
        ('{"trajectories": [{"id": 0, "future": []}, {"id": 0, "future": []}]}', "appears twice"),
        (_answer(_0=[[1, 2]] * 5), "must be a list of 4 pairs"),
        (_answer(_0=[[1, 2, 3]] * 4), "must hold pairs"),
        (_answer(_0=[[1, "2"]] * 4), "must hold pairs"),
        (_answer(_0=[[1, float("nan")]] * 4), "must hold pairs"),
        (_answer(_0=[[1, 10**9]] * 4), "must hold pairs"),
    ],
)
def test_malformed_answers_are_errors_and_never_traces(text: str, fault: str) -> None:
    with pytest.raises(AnswerError, match=fault):
        read_trajectories(text, np.zeros((2, 2)), STEPS, complete=False)


def test_two_bad_answers_are_a_counted_failure_with_a_reason(tmp_path: Path) -> None:
    error, seen, predictor = _ask(lambda *_: Act(text="no idea"), tmp_path, n_samples=2)
    assert isinstance(error, PredictionError)
    assert "no usable answer for 2 of 2 samples; first: the answer is not valid JSON" in str(error)
    assert len(seen.bodies) == 4
    assert predictor.counts.failed == 2
    assert not list(tmp_path.glob("*.json"))


def test_answers_are_completed_only_if_asked_for_and_counted(tmp_path: Path) -> None:
    short = Act(text='{"trajectories": [{"id": 0, "future": [[0, 0], [1000, 0]]}]}')
    samples, _, predictor = _ask(lambda *_: short, tmp_path, incomplete="complete")
    assert isinstance(samples, TraceSamples)
    assert samples.uvz[0, 0, :, 0].tolist() == [-1, 1, 1, 1]
    np.testing.assert_allclose(samples.uvz[0, 1], np.broadcast_to(ANCHORS[1], (STEPS, 3)))
    assert predictor.report()[0].endswith("2 keypoints completed by us")


def test_kept_answers_are_not_asked_for_again_and_replay_needs_neither_network_nor_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with endpoint(lambda *_: GOOD) as (url, seen):
        first = _predictor(url, tmp_path).predict(_observation(), QUERIES, 2, 0)
        again = _predictor(url, tmp_path)
        np.testing.assert_array_equal(again.predict(_observation(), QUERIES, 2, 0).uvz, first.uvz)
        assert again.counts.known == len(seen.bodies) == 2
    monkeypatch.delenv("OPENAI_API_KEY")
    offline = _predictor(url, tmp_path, offline=True)
    np.testing.assert_array_equal(offline.predict(_observation(), QUERIES, 2, 0).uvz, first.uvz)
    with pytest.raises(PredictionError, match="offline, and there is no usable answer"):
        offline.predict(_observation(), QUERIES, 2, 1)


def test_what_may_pass_is_tried_again(tmp_path: Path) -> None:
    busy = Act(status=429, body=b'{"error": {"message": "slow down"}}', headers={"Retry-After": "0.05"})
    samples, seen, _ = _ask(lambda number, _: GOOD if number else busy, tmp_path)
    assert isinstance(samples, TraceSamples)
    assert seen.bodies[0] == seen.bodies[1]


def test_a_broken_endpoint_is_a_failure_with_its_words(tmp_path: Path) -> None:
    error, seen, _ = _ask(lambda *_: Act(status=500, body=b"oops"), tmp_path)
    assert isinstance(error, PredictionError)
    assert "first: HTTP 500: oops" in str(error)
    assert len(seen.bodies) == 2


def test_a_wrong_key_ends_the_run_and_is_shown_nowhere(tmp_path: Path) -> None:
    refusal = Act(status=401, body=json.dumps({"error": {"message": f"bad key {KEY}"}}).encode())
    error, _, _ = _ask(lambda *_: refusal, tmp_path, n_samples=2)
    assert isinstance(error, PredictionError)
    assert "refuses all requests. HTTP 401: bad key [key]" in str(error)
    assert "section api_vlm of params.yaml" in str(error)
    assert KEY not in str(error)
    assert "captions" not in error.remedy


def test_a_missing_key_names_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    error, seen, _ = _ask(lambda *_: GOOD, tmp_path)
    assert isinstance(error, PredictionError)
    assert "environment variable OPENAI_API_KEY is not set" in str(error)
    assert seen.bodies == []


def test_the_key_is_written_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, seen, predictor = _ask(lambda *_: GOOD, tmp_path)
    assert seen.headers[0]["Authorization"] == f"Bearer {KEY}"
    written = "".join(path.read_text() for path in tmp_path.glob("*.json"))
    assert KEY not in written + caplog.text + repr(predictor.params) + "".join(predictor.report())


def test_grid_and_uv_are_inverse_to_half_a_grid_step() -> None:
    uv: Float[np.ndarray, "n 2"] = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    assert np.abs(uv_from_grid(grid_from_uv(uv).astype(float)) - uv).max() <= 0.001 + 1e-12
    assert grid_from_uv(np.array([[-1.0, 1.0]])).tolist() == [[0, 1000]]


def test_rings_are_drawn_around_the_keypoints_only() -> None:
    blank = np.zeros((800, 800, 3), np.uint8)
    drawn = draw_rings(blank, np.array([[0.0, 0.0]]))
    touched = np.argwhere(drawn.any(-1))
    assert np.abs(touched - 400).max() < 60
    assert not drawn[400, 400].any()
    assert not blank.any()
