"""Bipartite matching: the known token counts, a plain second implementation, entities that last."""

import numpy as np
import pytest

from mu0.traceextract.keypoints import bipartite
from mu0.traceextract.keypoints.bipartite import bipartite_entities, frame_tokens, merge_once

PATCHES = np.random.default_rng(1).normal(size=(256, 4))


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens each round of `frame_tokens` began with."""
    seen: list[int] = []

    def counting(tokens: np.ndarray, n_merged: int) -> np.ndarray:
        seen.append(len(tokens))
        return merge_once(tokens, n_merged)

    monkeypatch.setattr(bipartite, "merge_once", counting)
    return seen


def test_token_counts_are_the_known_ones(counts: list[int]) -> None:
    assert len(frame_tokens(PATCHES, 12, 25)) == 12
    assert counts == [256, 192, 144, 108, 81, 61, 46, 35, 27, 21, 16]


@pytest.mark.parametrize(
    ("percent", "left"), [(20, 24), (15, 46), (12, 66), (10, 83), (7, 120), (5, 149), (2, 210), (1, 234)]
)
def test_other_ratios_leave_the_known_number_of_tokens(counts: list[int], percent: int, left: int) -> None:
    frame_tokens(PATCHES, 1, percent)
    assert counts[11] == left


def plain_merge(tokens: np.ndarray, n_merged: int) -> np.ndarray:
    """The same round, token by token."""
    a, b = [list(t) for t in tokens[::2]], [list(t) for t in tokens[1::2]]

    def cosine(x: list[float], y: list[float]) -> float:
        return float(np.dot(x, y) / (np.linalg.norm(x) * np.linalg.norm(y)))

    best = [max((cosine(x, y), -j) for j, y in enumerate(b)) for x in a]
    order = sorted(range(len(a)), key=lambda i: (-best[i][0], i))
    gone = set(order[:n_merged])
    out = [x for i, x in enumerate(a) if i not in gone]
    for j, y in enumerate(b):
        joined = [y] + [a[i] for i in gone if -best[i][1] == j]
        out.append(list(np.mean(joined, axis=0)))
    return np.array(out)


@pytest.mark.parametrize("n_tokens", [2, 7, 64])
def test_a_round_agrees_with_a_plain_implementation(n_tokens: int) -> None:
    tokens = np.random.default_rng(n_tokens).normal(size=(n_tokens, 5))
    n_merged = max(1, n_tokens // 4)
    np.testing.assert_allclose(merge_once(tokens, n_merged), plain_merge(tokens, n_merged), atol=1e-12)


def test_merging_nothing_only_reorders() -> None:
    tokens = np.random.default_rng(0).normal(size=(6, 3))
    np.testing.assert_array_equal(merge_once(tokens, 0), tokens[[0, 2, 4, 1, 3, 5]])


@pytest.mark.parametrize("n_kept", [1, 2, 5, 12, 256, 300])
def test_merging_ends_at_the_asked_number(n_kept: int) -> None:
    assert len(frame_tokens(PATCHES, n_kept)) == min(n_kept, 256)


def three_things(n_frames: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors and truth: background, a square that moves, from frame 2 on a small thing that is new."""
    truth = np.zeros((n_frames, 16, 16), int)
    for frame in range(n_frames):
        truth[frame, 4:9, 2 + frame : 7 + frame] = 1
        if frame >= 2:
            truth[frame, 12:14, 12:14] = 2
    looks = np.array([[1.0, 0, 0.2], [0, 1.0, 0.2], [-1.0, -1.0, 3.0]]) + 5  # a large common part
    noise = 0.02 * np.random.default_rng(0).normal(size=(*truth.shape, 3))
    return looks[truth] + noise, truth


def test_things_get_entities_that_last_over_frames_and_late_ones_a_new_one() -> None:
    descriptors, truth = three_things()
    entities = bipartite_entities(descriptors, n_entities=4)
    owners = [set(entities[truth == thing].tolist()) for thing in range(3)]
    assert not owners[0] & owners[1]
    assert not owners[2] & (owners[0] | owners[1])
    assert len(owners[2]) == 1
    for thing in (0, 1):  # each has the same numbers in the first and in the last frame
        assert set(entities[0][truth[0] == thing]) == set(entities[-1][truth[-1] == thing])


def test_numbers_have_no_gaps_and_do_not_depend_on_the_descriptors_scale() -> None:
    descriptors, _ = three_things()
    entities = bipartite_entities(descriptors, 4)
    assert sorted(set(entities.ravel().tolist())) == list(range(entities.max() + 1))
    np.testing.assert_array_equal(bipartite_entities(7.5 * descriptors - 3, 4), entities)


def test_equal_patches_are_one_entity() -> None:
    assert bipartite_entities(np.ones((2, 4, 4, 3)), 6).max() == 0
