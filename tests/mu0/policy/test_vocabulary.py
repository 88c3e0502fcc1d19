"""Words as numbers."""

import numpy as np

from mu0.policy.vocabulary import build_vocabulary, encode_words


def test_vocabulary_is_sorted_and_free_of_case_and_punctuation() -> None:
    assert build_vocabulary(["Pick the apple.", "pick the can!"]) == ("apple", "can", "pick", "the")


def test_unknown_words_are_zero_and_long_texts_are_cut() -> None:
    vocabulary = ("apple", "pick")
    np.testing.assert_array_equal(encode_words("Pick an apple", vocabulary, 5), [2, 0, 1, 0, 0])
    np.testing.assert_array_equal(encode_words("pick apple pick apple", vocabulary, 2), [2, 1])
