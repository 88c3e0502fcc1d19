"""Instructions of an episode, and the three that TraceForge wants.

    instruction_1   a short imperative, at most 10 words
    instruction_2   step by step, at most 20 words
    instruction_3   a natural request, at most 15 words

Three are taken from three_instructions.json as they are; else from the caption of the whole episode where
there is one (`curated_training_texts.json`); else they are rephrased from the source's own instruction, and
say nothing that it does not say. Texts are never cut: one that is longer than TraceForge asks for stays.

Source
    reference/traceextract.md §7 and §4.6.
"""

import json
import re
from pathlib import Path
from typing import Any

from mu0.episodes.layouts.kinds import INSTRUCTIONS_NAME
from mu0.episodes.sidecar import Sidecar, read_description
from mu0.errors import EpisodeError

KEYS = ("instruction_1", "instruction_2", "instruction_3")
CAPTIONS_NAME = "curated_training_texts.json"
STEP = re.compile(
    r"\s*(?:,\s*then|,\s*and then|\band then\b|\bthen\b|;|\.\s+|,\s*and\b|\band\b)\s+", re.IGNORECASE
)


def read_three(folder: Path) -> tuple[str, ...]:
    """The instructions in three_instructions.json that are not empty; none without the file.

    Raises:
        EpisodeError: The file is not a JSON object of texts.
    """
    path = folder / INSTRUCTIONS_NAME
    if not path.exists():
        return ()
    content = _json(path)
    texts = [content.get(key, "") for key in KEYS] if isinstance(content, dict) else [content]
    if not all(isinstance(text, str) for text in texts):
        raise _wrong(path, "other things than texts")
    return tuple(str(text).strip() for text in texts if str(text).strip())


def stored_instructions(folder: Path, sidecar: Sidecar) -> tuple[str, ...]:
    """What an episode folder says about itself: three_instructions.json, description.txt, the sidecar."""
    if three := read_three(folder):
        return three
    lines = tuple(line.strip() for line in read_description(folder).splitlines() if line.strip())
    return lines or ((sidecar.instruction,) if sidecar.instruction else ())


def three_instructions(folder: Path, known: tuple[str, ...]) -> dict[str, str] | None:
    """The content of three_instructions.json; None if the episode has no text.

    Args:
        folder: Source episode, for its captions.
        known: Its instructions, the best one first.

    Raises:
        EpisodeError: A caption file is damaged.
    """
    caption = _whole_caption(folder)
    if len(known) == len(KEYS):
        return dict(zip(KEYS, known, strict=True))
    if not known and caption is None:
        return None
    first = known[0] if known else caption[KEYS[0]] if caption else ""
    steps, request = rephrase(first)
    if caption is not None:
        steps, request = caption[KEYS[1]], caption[KEYS[2]]
    return dict(zip(KEYS, (first, steps, request), strict=True))


def rephrase(instruction: str) -> tuple[str, str]:
    """The same instruction as numbered steps and as a request.

    >>> rephrase("Pick up the mug and put it on the shelf.")
    ('1. Pick up the mug. 2. Put it on the shelf.', 'Please pick up the mug and put it on the shelf.')
    """
    plain = instruction.strip().rstrip(".!")
    steps = [step.strip() for step in STEP.split(plain) if step.strip()]
    numbered = " ".join(f"{number}. {step[:1].upper()}{step[1:]}." for number, step in enumerate(steps, 1))
    return numbered, f"Please {plain[:1].lower()}{plain[1:]}."


def _whole_caption(folder: Path) -> dict[str, str] | None:
    """The caption that covers most of the episode and has all three texts."""
    path = next((p for p in (folder / CAPTIONS_NAME, folder / "curated" / CAPTIONS_NAME) if p.exists()), None)
    if path is None:
        return None
    content = _json(path)
    if not isinstance(content, dict):
        raise _wrong(path, "no object")
    records = [*content.get("merged_texts", []), *content.get("chunk_texts", [])]
    full = [
        record
        for record in records
        if isinstance(record, dict) and all(str(record.get(key, "")).strip() for key in KEYS)
    ]
    if not full:
        return None
    longest = max(full, key=lambda record: _length(record))
    return {key: str(longest[key]).strip() for key in KEYS}


def _length(record: dict[str, Any]) -> int:
    start, end = record.get("start_idx"), record.get("end_idx")
    return end - start if isinstance(start, int) and isinstance(end, int) else 0


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise _wrong(path, str(error)) from error


def _wrong(path: Path, why: str) -> EpisodeError:
    return EpisodeError(
        f"{path} is damaged: {why}.",
        expected=f"a JSON object with {', '.join(KEYS)} as texts",
        remedy="mend or delete this file.",
    )
