"""Captions: spans include both ends, entries before paraphrases, broken files are named."""

import json
from pathlib import Path

import numpy as np
import pytest

from mu0.dataset.captions import CaptionPool, read_captions
from mu0.errors import DatasetError

CONTENT = {
    "chunk_texts": [
        {"start_idx": 0, "end_idx": 4, "instruction_1": "reach", "instruction_2": " ", "instruction_3": None},
        {"start_idx": 5, "end_idx": 9, "instruction_1": "lift it", "instruction_2": "raise it"},
        {"start_idx": 0, "end_idx": 9},
    ],
    "merged_texts": [{"start_idx": 4, "end_idx": 9, "instruction_2": "pick up"}],
}


@pytest.fixture
def pool(tmp_path: Path) -> CaptionPool:
    (tmp_path / "arm" / "c0").mkdir(parents=True)
    (tmp_path / "arm" / "c0" / "curated_training_texts.json").write_text(json.dumps(CONTENT))
    return read_captions(tmp_path, "arm/c0")


def test_spans_include_both_ends_and_empty_entries_are_left_out(pool: CaptionPool) -> None:
    texts = [[caption.paraphrases for caption in pool.covering(frame)] for frame in (0, 4, 5, 9, 10)]
    assert texts == [
        [("reach",)],
        [("reach",), ("pick up",)],
        [("lift it", "raise it"), ("pick up",)],
        [("lift it", "raise it"), ("pick up",)],
        [],
    ]


def test_an_entry_is_drawn_first_then_its_paraphrase(pool: CaptionPool) -> None:
    rng = np.random.default_rng(0)
    drawn = [pool.draw(7, rng) for _ in range(2000)]
    shares = {text: drawn.count(text) / len(drawn) for text in set(drawn)}
    assert shares == pytest.approx({"pick up": 0.5, "lift it": 0.25, "raise it": 0.25}, abs=0.05)


def test_a_frame_without_caption_and_an_episode_without_file_have_the_empty_text(
    pool: CaptionPool, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    assert (pool.draw(99, rng), pool.first(99), pool.first(5)) == ("", "", "lift it")
    assert read_captions(tmp_path, "arm/nobody") == CaptionPool()


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "curated_training_texts.json").write_text('{"chunk_texts": [{"instruction_1": "x"}]}')
    with pytest.raises(
        DatasetError, match=r"curated_training_texts.json cannot be used: KeyError: 'start_idx'"
    ):
        read_captions(tmp_path, "a")
