"""Captions of an episode for people: events and merged windows from curated_training_texts.json."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mu0.errors import EpisodeError
from mu0.files import read_json

TEXTS_NAME = "curated_training_texts.json"
PARAPHRASES = ("instruction_1", "instruction_2", "instruction_3")


@dataclass(frozen=True)
class Text:
    """What happens between two frames, both included."""

    start: int
    end: int
    texts: tuple[str, ...]
    skills: tuple[str, ...]
    kind: str  # "event", or the merge type of a window


@dataclass(frozen=True)
class Texts:
    """All captions of an episode; windows join neighbouring events."""

    events: tuple[Text, ...] = ()
    windows: tuple[Text, ...] = ()

    def at(self, frame: int) -> Text | None:
        """The event of a frame."""
        return next((event for event in self.events if event.start <= frame <= event.end), None)


def read_texts(*folders: Path) -> Texts:
    """The captions in the first of the folders that has some; none if no folder has.

    Raises:
        EpisodeError: The file does not hold what the official format says.
    """
    path = next((folder / TEXTS_NAME for folder in folders if (folder / TEXTS_NAME).is_file()), None)
    if path is None:
        return Texts()
    content = read_json(path)
    try:
        return Texts(
            tuple(_text(entry, "event") for entry in content["chunk_texts"]),
            tuple(_text(entry, str(entry["merge_type"])) for entry in content["merged_texts"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EpisodeError(
            f"{path} is not a caption file: {type(error).__name__} {error}.",
            expected="chunk_texts and merged_texts with start_idx, end_idx and instruction_1",
            remedy="run `dvc repro --force captions`, or remove the file to look at the episode without it.",
        ) from error


def _text(entry: dict[str, Any], kind: str) -> Text:
    return Text(
        start=int(entry["start_idx"]),
        end=int(entry["end_idx"]),
        texts=(str(entry[PARAPHRASES[0]]), *(str(entry.get(name) or "") for name in PARAPHRASES[1:])),
        skills=tuple(str(skill) for skill in entry.get("skill_labels") or ()),
        kind=kind,
    )
