"""What an episode says about a frame: all texts whose span covers it, of which one is drawn.

`curated_training_texts.json` lists chunks (disjoint) and merged windows (overlapping), each with up to three
paraphrases. For a frame every covering entry is equally likely, then every paraphrase of it. A frame that
nobody described has the empty text, for which the prompt falls back to a fixed sentence.

Source
    reference/mu0.md §1.7; spans include both ends and count stored frames.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mu0.errors import DatasetError

CAPTIONS_NAME = "curated_training_texts.json"
LISTS = ("chunk_texts", "merged_texts")
WORD = re.compile(r"\w+")
PARAPHRASES = ("instruction_1", "instruction_2", "instruction_3")


@dataclass(frozen=True)
class Caption:
    """One described span of frames, both ends included."""

    first_frame: int
    last_frame: int
    paraphrases: tuple[str, ...]


@dataclass(frozen=True)
class CaptionPool:
    """All captions of one episode, chunks before merged windows."""

    captions: tuple[Caption, ...] = ()

    def covering(self, frame: int) -> list[Caption]:
        """The captions whose span holds `frame`."""
        return [item for item in self.captions if item.first_frame <= frame <= item.last_frame]

    def draw(self, frame: int, rng: np.random.Generator) -> str:
        """A random paraphrase of a random covering caption; empty when there is none."""
        covering = self.covering(frame)
        if not covering:
            return ""
        paraphrases = covering[rng.integers(len(covering))].paraphrases
        return paraphrases[rng.integers(len(paraphrases))]

    def plain(self, frame: int) -> str:
        """The shortest text of any that cover a frame: what is to be done, not how it looks."""
        return min((text for one in self.covering(frame) for text in one.paraphrases), key=len, default="")

    def words(self) -> frozenset[str]:
        """The words that the shortest paraphrases of all captions share."""
        plain = [min(caption.paraphrases, key=len) for caption in self.captions]
        said = [frozenset(WORD.findall(text.lower())) for text in plain]
        return frozenset.intersection(*said) if said else frozenset()

    def first(self, frame: int) -> str:
        """The first paraphrase of the first covering caption: the text that evaluation uses."""
        covering = self.covering(frame)
        return covering[0].paraphrases[0] if covering else ""


def read_captions(captions_root: Path, episode_id: str) -> CaptionPool:
    """Captions of an episode; an episode that has no caption file has an empty pool.

    Raises:
        DatasetError: The file is there but is not in the official form.
    """
    path = captions_root / episode_id / CAPTIONS_NAME
    if not path.exists():
        return CaptionPool()
    try:
        content = json.loads(path.read_text())
        entries = [entry for name in LISTS for entry in content.get(name, [])]
        captions = tuple(caption for entry in entries if (caption := _caption(entry)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path} cannot be used: {type(error).__name__}: {error}.",
            expected="an object with lists chunk_texts and merged_texts of spans with texts",
            remedy="build it again with `dvc repro captions`.",
        ) from error
    return CaptionPool(captions)


def _caption(entry: dict[str, Any]) -> Caption | None:
    texts = tuple(text.strip() for key in PARAPHRASES if (text := entry.get(key)) and text.strip())
    return Caption(int(entry["start_idx"]), int(entry["end_idx"]), texts) if texts else None
