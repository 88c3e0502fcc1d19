"""Words of instructions as small numbers. The list is part of the expert's config; 0 is every other word."""

import re
from collections.abc import Iterable

import numpy as np
from jaxtyping import Int

WORD = re.compile(r"[a-z0-9]+")


def words_of(instruction: str) -> list[str]:
    """Lower-case words without punctuation."""
    return WORD.findall(instruction.lower())


def build_vocabulary(instructions: Iterable[str]) -> tuple[str, ...]:
    """All words, sorted, so that equal instructions give equal vocabularies."""
    return tuple(sorted({word for instruction in instructions for word in words_of(instruction)}))


def encode_words(
    instruction: str, vocabulary: tuple[str, ...], max_words: int
) -> Int[np.ndarray, " max_words"]:
    """Word numbers from 1, cut or filled with 0 to `max_words`."""
    number = {word: i for i, word in enumerate(vocabulary, 1)}
    ids = [number.get(word, 0) for word in words_of(instruction)][:max_words]
    return np.array(ids + [0] * (max_words - len(ids)), dtype=np.int64)
