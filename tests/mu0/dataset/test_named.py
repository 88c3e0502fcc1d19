"""Moments before a touch, and the questions they answer: what moves later is named, the rest is not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from jaxtyping import Float

from mu0.dataset.batch import NamedBatch
from mu0.dataset.captions import Caption, CaptionPool
from mu0.dataset.named import named_batch, seen_otherwise, with_sides_exchanged
from mu0.dataset.resting import FrameAtRest, packed
from mu0.dataset.rows import Windows
from mu0.dataset.store import SlotStore
from mu0.dataset.untouched import find_untouched

SIZE_PX, N_STEPS = 100, 33
HAND, THING = (20.0, 30.0), (60.0, 70.0)
REST = (85.0, 40.0)


def path(start_px: tuple[float, float], onset: int, way_px: float) -> Float[np.ndarray, "step 3"]:
    """Rests until `onset`, then goes to the right, two pixels a step but not farther than `way_px`."""
    ahead = np.clip(2 * (np.arange(N_STEPS) - onset + 1), 0, way_px)
    return np.stack([start_px[0] + ahead, np.full(N_STEPS, start_px[1]), np.ones(N_STEPS)], axis=1)


def store_of(slots: list[list[Float[np.ndarray, "step 3"]]], texts: list[str]) -> SlotStore:
    """A store of anchors with these traces, each an episode with one resting point."""
    future = np.stack([trace for rows in slots for trace in rows]).astype(np.float16)
    n_rows, n_slots = len(future), len(slots)
    resting = FrameAtRest(
        np.array([[*REST, 1.0]]), np.zeros(1, np.int64), np.ones(N_STEPS, bool), np.ones(1, bool)
    )
    windows = Windows(
        future=future,
        future_valid=np.ones((n_rows, N_STEPS), bool),
        history=future[:, :1],
        history_valid=np.ones((n_rows, 1), bool),
        cluster_ids=np.zeros(n_rows, np.int64),
    )
    first_row = np.concatenate([[0], np.cumsum([len(rows) for rows in slots])]).astype(np.int64)
    size = np.full((n_slots, 2), SIZE_PX, np.float32)
    captions = [CaptionPool((Caption(0, 99, (text,)),)) for text in texts]
    at_rest = packed([resting] * n_slots)
    untouched = find_untouched(windows, first_row, size, np.arange(n_slots), at_rest, captions)
    return SlotStore(
        images=np.zeros((n_slots, 3, 16, 16), np.uint8),
        depth_m=None,
        has_depth=np.zeros(n_slots, bool),
        is_3d=np.ones(n_slots, bool),
        width_height_px=size,
        rays=np.zeros((n_slots, 2, 2), np.float32),
        first_row=first_row,
        windows=windows,
        frame_index=np.zeros(n_slots, np.int64),
        captions=captions,
        resting=at_rest,
        untouched=untouched,
    )


@pytest.fixture
def store() -> SlotStore:
    hand = [path(HAND, 0, 30)] * 3
    thing = [path(THING, 10, 20)] * 3
    link = [path((10.0, 10.0), 10, 5)]  # goes late, but not far
    return store_of(
        [hand + thing + link, hand, hand + [path(THING, 2, 20)] * 3],
        ["put the red mug away", "put the blue can away", "put the green pear away"],
    )


def test_late_is_what_rests_and_then_goes_far(store: SlotStore) -> None:
    assert store.untouched is not None
    assert store.untouched.slots.tolist() == [0]  # in the others nothing rests first
    assert np.flatnonzero(store.untouched.is_late).tolist() == [3, 4, 5]


def test_of_an_episode_the_moments_long_before_the_touch_count() -> None:
    early, late = [path(THING, 20, 20)] * 2, [path(THING, 6, 20)] * 2
    both = store_of([early, late], ["a", "b"])
    windows, size = both.windows, both.width_height_px
    assert both.resting is not None
    one_episode = np.zeros(2, np.int64)
    found = find_untouched(windows, both.first_row, size, one_episode, both.resting, both.captions)
    assert found.slots.tolist() == [0]


def test_places_on_the_late_thing_are_named_and_nothing_else(store: SlotStore) -> None:
    batch = named_batch(store, 64, step=3, seed=1)
    assert batch is not None
    assert batch.is_named.any()
    assert (~batch.is_named & batch.valid).any()
    assert set(batch.instructions) == {"put the red mug away"}  # no other moment to take a sentence from
    counts = batch.valid.sum(1)
    assert counts.max() <= 6 + 4 + 1
    assert (batch.is_named.sum(1) <= 3).all()
    again = named_batch(store, 64, step=3, seed=1)
    assert again is not None
    assert torch.equal(batch.uv, again.uv)
    assert torch.equal(batch.image, again.image)
    assert named_batch(store, 0, 3, 1) is None
    assert named_batch(replace(store, untouched=None), 4, 3, 1) is None


def test_under_another_sentence_nothing_is_named() -> None:
    thing = [path(THING, 10, 20)] * 3
    many = ["put the red mug away", "put the blue can away", "put the red can away"]
    batch = named_batch(store_of([thing] * 3, many), 400, step=0, seed=0)
    assert batch is not None
    unnamed = ~batch.is_named.any(1)
    on_thing = (batch.valid.sum(1) > 1) & unnamed  # more than the resting point: the thing was asked about
    assert 0.2 < on_thing.float().mean() < 0.4


def test_a_mirrored_and_moved_picture_shows_the_same_at_the_same_place() -> None:
    rng = np.random.default_rng(0)
    image = torch.zeros(40, 3, 64, 64)
    uv = torch.from_numpy(rng.uniform(-0.6, 0.6, (40, 1, 2))).float()
    row, column = ((uv[:, 0, [1, 0]] + 1) * 32).long().unbind(1)
    for number in range(40):
        image[number, :, row[number] - 3 : row[number] + 4, column[number] - 3 : column[number] + 4] = 1
    ones = torch.ones(40, 1, dtype=torch.bool)
    seen = seen_otherwise(NamedBatch(image, ["go left"] * 40, uv, ones, ones), rng)
    assert {"go left", "go right"} == set(seen.instructions)
    assert (seen.uv - uv).abs().max() > 0.1
    place = ((seen.uv[:, 0] + 1) * 32).long().clamp(0, 63)
    brightness = seen.image[torch.arange(40), 0, place[:, 1], place[:, 0]]
    inside = seen.valid[:, 0]
    assert inside.float().mean() > 0.9
    assert (brightness[inside] > 0.7).all()


def test_left_and_right_change_places_and_nothing_else() -> None:
    said = "Left of the leftover, move it leftward, right?"
    assert with_sides_exchanged(said) == "Right of the leftover, move it rightward, left?"
    assert with_sides_exchanged(with_sides_exchanged(said)) == said
