"""Resting queries: they stay, their share is the stated one, and without them nothing changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mu0.dataset.evaluation import EvaluationProtocol, read_evaluation_samples
from mu0.dataset.index import read_slots
from mu0.dataset.resting import (
    LEAVES_UV,
    FrameAtRest,
    draw_resting,
    leaves,
    packed,
    places_at_rest,
    with_room_for_rest,
)
from mu0.dataset.resting_questions import mixed_questions
from mu0.dataset.store import WindowSettings
from mu0.dataset.windows import TraceWindows
from mu0.episodes.read import read_episode
from mu0.episodes.resting import FIRST_THING
from tests.mu0.dataset.resting_episodes import PLACES, add_resting
from tests.mu0.dataset.tiny_dataset import SHAPE, TinyDataset, make_tiny_dataset

OFFICIAL = WindowSettings(SHAPE, image_size_px=16)
SETTINGS = replace(OFFICIAL, resting_share=0.5)


@pytest.fixture(scope="module")
def restful(tmp_path_factory: pytest.TempPathFactory) -> TinyDataset:
    tiny = make_tiny_dataset(tmp_path_factory.mktemp("restful"))
    for episode in [*sorted((tiny.episodes / "arm").iterdir()), tiny.episodes / "phone/walk"]:
        add_resting(episode)
    return tiny


def windows_of(tiny: TinyDataset, settings: WindowSettings) -> TraceWindows:
    return TraceWindows.open(tiny.folder, tiny.episodes, tiny.captions, "train", settings)


@pytest.fixture
def windows(restful: TinyDataset) -> TraceWindows:
    return windows_of(restful, SETTINGS)


def test_a_resting_query_stays_for_as_long_as_the_moving_ones_are_known(windows: TraceWindows) -> None:
    batch = windows.batch(0, 12, 8, seed=0)
    assert batch.moves is not None
    rests = batch.query_valid & (batch.cluster_ids == -1)
    assert rests.any()
    assert not batch.moves[rests].any()
    assert (batch.future[rests] == 0).all()
    assert (batch.history[rests] == 0).all()
    # of five rows with 16, 13, ... valid steps the longest is known for all 12
    assert batch.future_valid[rests].all()
    assert batch.history_valid[rests].tolist()[0] == [False, False, True, True]
    uv = PLACES[:, :2] * 2 / np.array([32, 24]) - 1
    off = np.linalg.norm(batch.anchor_uvz[rests][:, None, :2].numpy() - uv, axis=-1).min(1)
    assert off.max() < 1e-3


def test_without_resting_queries_batches_are_the_official_ones(
    tiny: TinyDataset, restful: TinyDataset, windows: TraceWindows
) -> None:
    expected = windows_of(tiny, OFFICIAL).batch(1, 6, 4, seed=3)
    for found in (windows_of(restful, OFFICIAL), windows.officially(), windows_of(tiny, SETTINGS)):
        batch = found.batch(1, 6, 4, seed=3)
        assert batch.moves is None
        assert batch.instructions == expected.instructions
        for name, value in vars(expected).items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(value, getattr(batch, name)), name
    assert windows.asks_about_rest
    assert not windows_of(tiny, SETTINGS).asks_about_rest


def test_what_moves_is_what_leaves_its_place() -> None:
    future = np.zeros((3, 4, 2))
    future[0, 3, 0] = 1.01 * LEAVES_UV
    future[1, 3, 0] = 0.99 * LEAVES_UV
    future[2, 3, 0] = 9
    valid = np.ones((3, 4), bool)
    valid[2, 3] = False
    assert leaves(future, valid).tolist() == [True, False, False]


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_the_share_holds_on_average_and_official_images_remain(share: float) -> None:
    n_images, n_queries = 4000, 16
    frame = FrameAtRest(np.zeros((30, 3)), np.zeros(30, np.int64), np.ones(4, bool), np.ones(3, bool))
    points = packed([frame, frame])
    slots = np.tile([0, 1], n_images // 2)
    moving = np.ones((n_images, n_queries), bool)
    _, is_query = with_room_for_rest(np.zeros((n_images, n_queries), np.int64), moving)
    assert is_query.shape == (n_images, 24)
    rests, rows = draw_resting(points, slots, is_query, share, np.random.default_rng(0), fills=True)
    assert rests.sum() / (is_query | rests).sum() == pytest.approx(share, abs=0.02)
    is_official = ~rests.any(1)
    assert is_official.mean() == pytest.approx(1 - share / (0.75 - share * 5 / 12), abs=0.04)
    assert (is_query & ~rests)[rests.sum(1) <= 8].sum(1).min() == n_queries  # room first, then moving ones
    for image in np.flatnonzero(rests.any(1))[:50]:
        drawn = rows[image, rests[image]]
        assert len(set(drawn)) == len(drawn)
        assert set(drawn // 30) == {slots[image]}


def test_frames_with_few_resting_points_keep_their_moving_queries() -> None:
    few = packed([FrameAtRest(np.zeros((2, 3)), np.zeros(2, np.int64), np.ones(4, bool), np.ones(3, bool))])
    is_query = np.ones((200, 8), bool)
    rng = np.random.default_rng(0)
    rests, _ = draw_resting(few, np.zeros(200, np.int64), is_query, 0.5, rng, fills=True)
    assert rests.sum(1).max() == 2
    none = packed([FrameAtRest(np.zeros((0, 3)), np.zeros(0, np.int64), np.ones(4, bool), np.ones(3, bool))])
    rests, rows = draw_resting(none, np.zeros(200, np.int64), is_query, 0.5, rng, fills=True)
    assert not rests.any()
    assert (rows == 0).all()


def test_entities_count_alike_and_things_more() -> None:
    entity = np.array([0] * 20 + [1] * 2 + [FIRST_THING], np.int64)
    points = packed([FrameAtRest(np.zeros((23, 3)), entity, np.ones(4, bool), np.ones(3, bool))])
    is_query = np.ones((4000, 1), bool)
    rng = np.random.default_rng(0)
    rests, rows = draw_resting(points, np.zeros(4000, np.int64), is_query, 0.5, rng, fills=False)
    drawn = np.bincount(np.searchsorted([19, 21, 22], rows[rests]), minlength=3) / rests.sum()
    assert drawn == pytest.approx([1 / 6, 1 / 6, 4 / 6], abs=0.03)


def test_padding_is_filled_only_where_the_number_of_queries_is_not_random() -> None:
    points = packed(
        [FrameAtRest(np.zeros((9, 3)), np.zeros(9, np.int64), np.ones(4, bool), np.ones(3, bool))]
    )
    is_query = np.arange(8) < np.full((300, 1), 3)
    slots = np.zeros(300, np.int64)
    kept, _ = draw_resting(points, slots, is_query, 0.5, np.random.default_rng(0), fills=False)
    assert not kept[:, 3:].any()
    filled, _ = draw_resting(points, slots, is_query, 0.5, np.random.default_rng(0), fills=True)
    assert filled[:, 3:].any()


def test_points_outside_the_image_are_left_out_and_depth_counts_only_where_there_is_some(
    restful: TinyDataset, tmp_path: Path
) -> None:
    tiny = make_tiny_dataset(tmp_path)
    folder = tiny.episodes / "arm/clip0"
    add_resting(folder, np.array([[2, 3, 1.0], [33, 5, 1.0], [4, 5, np.nan], [np.inf, 2, 1.0]], np.float32))
    assert places_at_rest(read_episode(folder), 1)[0].tolist() == [[2, 3, 1]]
    assert len(places_at_rest(read_episode(folder), 3)[0]) == 0  # no anchor
    flat, _ = places_at_rest(read_episode(restful.episodes / "phone/walk"), 1)
    assert flat.shape == (4, 3)
    assert (flat[:, 2] == 0).all()


def test_mixed_questions_are_the_official_ones_and_resting_points_behind_them(restful: TinyDataset) -> None:
    slots = read_slots(restful.folder / "index.parquet")
    protocol = EvaluationProtocol(SHAPE, frames_per_episode=2, n_queries=3)
    samples = read_evaluation_samples(slots, restful.episodes, restful.captions, protocol)
    mixed = mixed_questions(samples, restful.episodes, 2, seed=0)
    assert len(mixed) == len(samples)
    for official, question in zip(samples, mixed, strict=True):
        sample, n_moving = question.sample, len(official.valid)
        assert question.rests.tolist() == [False] * n_moving + [True, True]
        np.testing.assert_array_equal(sample.truth_uvz[:n_moving], official.truth_uvz)
        np.testing.assert_array_equal(sample.queries.anchor_uvz[:n_moving], official.queries.anchor_uvz)
        known = sample.valid[n_moving:]
        assert (known == official.valid.any(0)).all()
        stay = np.broadcast_to(sample.queries.anchor_uvz[n_moving:, None], (*known.shape, 3))
        np.testing.assert_array_equal(sample.truth_uvz[n_moving:][known], stay[known])
        history, past = sample.queries.history_uvz, official.queries.history_uvz
        assert history is not None
        assert past is not None
        assert (np.isfinite(history[n_moving:]).all(-1) == np.isfinite(past).all(-1).any(0)).all()
