"""A batch answers as one by one; a stream as single calls with the same past."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from mu0.errors import PredictionError
from mu0.inference.batch import Ask, predict_batch
from mu0.inference.history import PointHistory, count_hidden, padded
from mu0.inference.stream import StreamFrame, follow, predict_stream
from mu0.model.backbone import Prefix
from mu0.model.predictor import TracePredictor
from mu0.records import Observation, Queries

RNG = np.random.default_rng(0)


def picture(height: int = 48, width: int = 100) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def anchors(count: int) -> np.ndarray:
    return RNG.uniform(-0.5, 0.5, (count, 3))


PAST = RNG.uniform(-0.5, 0.5, (6, 8, 3))
PAST[:2] = padded(PAST[:2, :5], 8)
CAMERA = np.array([[90.0, 0, 50], [0, 90, 24], [0, 0, 1]])
MIXED = [  # other sizes, texts, counts, depth, pasts (one with gaps), a known camera
    Ask(Observation(picture(), "open the drawer"), Queries(anchors(4))),
    Ask(Observation(picture(64, 64), ""), Queries(anchors(1), RNG.uniform(-0.5, 0.5, (1, 8, 3)))),
    Ask(
        Observation(picture(), "pick the red apple into the sink", RNG.uniform(0.5, 2, (48, 100)), CAMERA),
        Queries(anchors(6), PAST),
    ),
]


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_batch_answers_as_one_by_one(predictor: TracePredictor, scale: float) -> None:
    guided = TracePredictor(predictor.model, guidance_scale=scale)
    answers = predict_batch(guided, MIXED, 3, 7)
    for ask, answer in zip(MIXED, answers, strict=True):
        alone = guided.predict(ask.observation, ask.queries, 3, 7)
        assert answer.uvz.shape == alone.uvz.shape
        np.testing.assert_allclose(answer.uvz, alone.uvz, atol=2e-5)
        np.testing.assert_allclose(answer.valid_probability, alone.valid_probability, atol=2e-5)


def test_depth_and_past_matter_within_a_batch(predictor: TracePredictor) -> None:
    rich = MIXED[2]
    asks = [
        rich,
        Ask(replace(rich.observation, depth_m=None), rich.queries),
        Ask(rich.observation, replace(rich.queries, history_uvz=None)),
    ]
    full, no_depth, no_past = (answer.uvz for answer in predict_batch(predictor, asks, 1, 0))
    assert np.abs(full - no_depth).max() > 1e-5
    assert np.abs(full - no_past).max() > 1e-4


def test_seeds_repeat_and_portions_do_not_matter(predictor: TracePredictor) -> None:
    first, again, other = (predict_batch(predictor, MIXED, 2, seed) for seed in (0, 0, 1))
    in_portions = predict_batch(predictor, MIXED, 2, 0, batch_size=2)
    for one, same, different, portion in zip(first, again, other, in_portions, strict=True):
        np.testing.assert_array_equal(one.uvz, same.uvz)
        np.testing.assert_allclose(one.uvz, portion.uvz, atol=2e-5)
        assert np.abs(one.uvz - different.uvz).max() > 1e-4


def test_one_prefix_pass_serves_all(predictor: TracePredictor, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    encode = predictor.model.encode_prefix

    def counted(image: torch.Tensor, *rest: Any) -> Prefix:
        calls.append(len(image))
        return encode(image, *rest)

    monkeypatch.setattr(predictor.model, "encode_prefix", counted)
    predict_batch(predictor, MIXED, 5, 0)
    assert calls == [3]


def test_a_question_without_keypoints_is_named(predictor: TracePredictor) -> None:
    empty = Ask(MIXED[0].observation, Queries(np.zeros((0, 3))))
    with pytest.raises(PredictionError, match=r"^Question 1: 0 keypoints and 2 samples were asked for\."):
        predict_batch(predictor, [MIXED[0], empty], 2, 0)


def moving_frames(count: int) -> list[StreamFrame]:
    start = anchors(3)
    frames = [StreamFrame(picture(), start + 0.01 * step) for step in range(count)]
    frames[2].anchor_uvz[1] = np.nan
    return frames


def test_a_stream_is_single_calls_with_the_same_past(predictor: TracePredictor) -> None:
    frames = moving_frames(5)
    answers = list(predict_stream(predictor, iter(frames), "open the drawer", 2, 3))
    assert [len(answer.seen) for answer in answers] == [3, 3, 2, 3, 3]
    for number, answer in enumerate(answers):
        before = [frame.anchor_uvz for frame in frames[:number]]
        past = np.stack([np.full((3, 3), np.nan)] * (8 - number) + before, axis=1)[answer.seen]
        queries = Queries(frames[number].anchor_uvz[answer.seen], past)
        alone = predictor.predict(Observation(frames[number].image, "open the drawer"), queries, 2, 3)
        assert answer.traces is not None
        np.testing.assert_array_equal(answer.traces.uvz, alone.uvz)


def test_a_stream_goes_on_where_it_stopped_and_remembers_what_it_skips(predictor: TracePredictor) -> None:
    frames = moving_frames(6)
    whole = list(predict_stream(predictor, frames, "open the drawer"))
    memory = PointHistory(8)
    parts = list(predict_stream(predictor, frames[:3], "open the drawer", history=memory))
    parts += predict_stream(predictor, frames[3:], "open the drawer", history=memory)
    skipping = list(predict_stream(predictor, frames, "open the drawer", every=3))
    assert [answer.number for answer in skipping] == [0, 3]
    for one, other in [*zip(whole, parts, strict=True), (whole[3], skipping[1])]:
        assert one.traces is not None
        assert other.traces is not None
        np.testing.assert_array_equal(one.traces.uvz, other.traces.uvz)


def test_a_stream_names_frames_of_another_size_and_other_keypoints(predictor: TracePredictor) -> None:
    good = StreamFrame(picture(), anchors(3))
    with pytest.raises(
        PredictionError, match=r"^Frame 1 has shape \(64, 64, 3\), the frames before it \(48, "
    ):
        list(predict_stream(predictor, [good, StreamFrame(picture(64, 64), anchors(3))], ""))
    with pytest.raises(PredictionError, match=r"^There are 2 keypoints, but a past of 3\."):
        list(predict_stream(predictor, [good, StreamFrame(picture(), anchors(2))], ""))


def test_a_past_counts_if_a_whole_group_of_steps_is_known() -> None:
    past = np.zeros((3, 8, 3))
    past[0, 2] = past[1, [2, 6]] = np.nan
    assert [count_hidden(past, group) for group in (8, 4, 2)] == [2, 1, 0]
    assert count_hidden(None, 8) == 0


def test_keypoints_are_followed_and_lost_ones_stay_lost(blobs: np.ndarray) -> None:
    images = [np.roll(blobs, 2 * step, axis=1) for step in range(4)] + [np.full_like(blobs, 120)] * 2
    frames = list(follow(images, np.array([[30.0, 14.0], [95.0, 41.0]])))
    moved = (frames[3].anchor_uvz[:, :2] - frames[0].anchor_uvz[:, :2]) * np.array([75, 50])
    np.testing.assert_allclose(moved, [[6, 0], [6, 0]], atol=0.2)
    assert np.isnan(frames[5].anchor_uvz[:, :2]).all()
