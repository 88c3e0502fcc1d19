"""The official order and draws, against the protocol written down a second time, step by step."""

import random

import numpy as np

from mu0.dataset.captions import Caption, CaptionPool
from mu0.dataset.evaluation import EvaluationProtocol, read_evaluation_samples
from mu0.dataset.index import read_slots
from mu0.dataset.official import OfficialDraw, headline_order, usable_slots
from tests.mu0.dataset.tiny_dataset import SHAPE, TinyDataset, straight_samples


def test_the_fifth_ninth_and_thirteenth_are_shuffled_twice() -> None:
    usable = [np.arange(14), np.arange(100, 106), np.arange(3), np.arange(200, 210)]
    fifth, ninth, thirteenth = [(0, 4), (1, 104), (3, 204)], [(0, 8), (3, 208)], [(0, 12)]
    for places in (fifth, ninth, thirteenth):
        random.Random(7).shuffle(places)
    expected = fifth + ninth + thirteenth
    random.Random(7).shuffle(expected)
    assert headline_order(usable, 7) == expected
    assert headline_order(usable, 0) == [(3, 208), (1, 104), (3, 204), (0, 4), (0, 12), (0, 8)]


def test_a_frame_counts_as_usable_with_enough_moving_rows() -> None:
    samples = straight_samples(is_3d=True, seed=0)
    samples.is_moving[5:7] = False
    assert usable_slots(samples, 5).tolist() == [0, 2]
    assert usable_slots(samples, 3).tolist() == [0, 1, 2]


def test_keypoints_come_from_one_stream_in_drawing_order() -> None:
    samples = straight_samples(is_3d=True, seed=0)
    samples.valid_steps_history[6, 0] = False
    draw, plain = OfficialDraw(3), random.Random(3)
    for slot, pool in ((1, [5, 7, 8, 9]), (0, [0, 1, 2, 3, 4])):
        n = plain.randint(2, 3)
        assert draw.rows(samples, slot, (24, 32), 2, 3).tolist() == plain.sample(pool, n)
    texts = CaptionPool((Caption(0, 3, ("a", "b")), Caption(2, 5, ("c",))))
    expected = plain.choice(plain.choice([("a", "b"), ("c",)]))
    assert draw.caption(texts, 2) == expected
    assert draw.caption(texts, 9) == ""


def test_rows_without_a_usable_anchor_are_taken_when_there_are_no_others() -> None:
    samples = straight_samples(is_3d=True, seed=0)
    samples.valid_steps_history[:5, 0] = False
    assert sorted(OfficialDraw(0).rows(samples, 0, (24, 32), 5, 5)) == [0, 1, 2, 3, 4]


def test_the_official_evaluation_reads_stored_episodes_in_that_order(tiny: TinyDataset) -> None:
    slots = read_slots(tiny.folder / "index.parquet")
    protocol = EvaluationProtocol(SHAPE, frames="official", n_queries=4, official_offsets=(0, 2))
    found = read_evaluation_samples(slots, tiny.episodes, tiny.captions, protocol)
    names = sorted(slots["episode_id"].unique())
    order = headline_order([np.arange(3)] * len(names), 0, (0, 2))
    frames = [1, 2, 4]
    assert [(s.episode_id, s.frame_index) for s in found] == [(names[e], frames[slot]) for e, slot in order]
    assert {len(sample.truth_uvz) for sample in found} == {4}
    again = read_evaluation_samples(slots, tiny.episodes, tiny.captions, protocol)
    assert all(np.array_equal(a.truth_uvz, b.truth_uvz) for a, b in zip(found, again, strict=True))
