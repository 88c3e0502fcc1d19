"""Reading a model's answer: JSON out of whatever it wrote, then every field against its list.

Nothing of an answer is trusted. Only the fields asked for are taken, one by one, so that a model that
repeats or invents frame numbers, labels or types cannot change the record around its words. What is wrong
is told in words that can be sent back to the model.

Source
    reference/traceextract.md §4.3 and §4.4; its fault 39 is what must not happen.
"""

import json
import re
from collections.abc import Sequence

from mu0.traceextract.captions.captioners.vocabulary import (
    EMBODIMENTS,
    FLAGS,
    MOST_SKILLS,
    MOTION_LISTS,
    MOTION_TEXTS,
    SKILLS,
    Caption,
    MergedCaption,
)

FENCED = re.compile(r"```[a-zA-Z]*\s*(.*?)```", re.DOTALL)
ABOUT_PICTURES = re.compile(
    r"\b((first|middle|last)[ _]frame|motion[ _]mask|(the|this|an?) (image|picture|video|mask))\b",
    re.IGNORECASE,
)
MOST_WORDS, MOST_OBJECTS, MOST_CHARACTERS = 80, 8, 160
INSTRUCTIONS = ("instruction_1", "instruction_2", "instruction_3")


class AnswerError(ValueError):
    """An answer cannot be used; the message can be sent back to the model."""


def read_caption(text: str) -> Caption:
    """The caption in a model's answer.

    Raises:
        AnswerError: Something that must be there is not, or something that is there is wrong.
    """
    answer = find_object(text)
    return Caption(
        instructions=_instructions(answer),
        embodiment_type=_word(answer.get("embodiment_type"), "embodiment_type", EMBODIMENTS),
        skill_labels=_skills(answer.get("skill_labels")),
        objects=_objects(answer.get("objects", [])),
        hallucination_flags=_flags(answer.get("hallucination_flags", {})),
        structured_motion=_motion(answer.get("structured_motion", {})),
    )


def read_merged(text: str, chunk_ids: Sequence[int], events: Sequence[str]) -> MergedCaption:
    """The merged caption in a model's answer.

    Args:
        text: The answer.
        chunk_ids: Events of the window.
        events: What is said of an event that the answer's timeline leaves out.

    Raises:
        AnswerError: It cannot be used.
    """
    answer = find_object(text)
    told = dict(zip(chunk_ids, events, strict=True))
    timeline = answer.get("timeline", [])
    if not isinstance(timeline, list):
        raise AnswerError("timeline must be a list of objects")
    for entry in timeline:
        number = entry.get("chunk_id") if isinstance(entry, dict) else None
        if type(number) is not int or number not in told:
            raise AnswerError(f"each entry of timeline needs a chunk_id out of {list(told)}")
        told[number] = _sentence(entry.get("event"), "timeline.event")
    return MergedCaption(_instructions(answer), tuple(told.values()))


def find_object(text: str) -> dict[str, object]:
    """The JSON object in a text: alone, in a fenced block, or between the outermost braces.

    Raises:
        AnswerError: There is none.
    """
    candidates = [text.strip(), *(match.strip() for match in FENCED.findall(text))]
    first, last = text.find("{"), text.rfind("}")
    if 0 <= first < last:
        candidates.append(text[first : last + 1])
    for candidate in candidates:
        try:
            found = json.loads(candidate)
        except (ValueError, RecursionError):  # thousands of opening brackets are an answer too
            continue
        if isinstance(found, dict):
            return found
        raise AnswerError(f"the answer is a JSON {type(found).__name__}, not an object")
    raise AnswerError("the answer is empty" if not text.strip() else "the answer is not valid JSON")


def _instructions(answer: dict[str, object]) -> tuple[str, str, str]:
    first, second, third = (_sentence(answer.get(name), name) for name in INSTRUCTIONS)
    return first, second, third


def _sentence(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise AnswerError(f"{name} must be a text")
    sentence = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    if not any(character.isalpha() for character in sentence):
        raise AnswerError(f"{name} has no words")
    if len(sentence.split()) > MOST_WORDS:
        raise AnswerError(f"{name} is longer than {MOST_WORDS} words")
    if found := ABOUT_PICTURES.search(sentence):
        raise AnswerError(f"{name} speaks of {found.group(0)!r} instead of what happens")
    return sentence


def _word(value: object, name: str, allowed: Sequence[str]) -> str:
    word = value.strip().lower().replace(" ", "_") if isinstance(value, str) else value
    if word not in allowed:
        raise AnswerError(f"{name} is {json.dumps(value)[:60]}; allowed: {', '.join(allowed)}")
    assert isinstance(word, str)
    return word


def _skills(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise AnswerError("skill_labels must be a list of one or two labels")
    labels = dict.fromkeys(_word(label, "skill_labels", SKILLS) for label in value)
    if len(labels) > MOST_SKILLS:
        raise AnswerError(f"skill_labels has {len(labels)} labels, at most {MOST_SKILLS} are allowed")
    return tuple(labels)


def _objects(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise AnswerError("objects must be a list of texts")
    names = (" ".join(name.split())[:MOST_CHARACTERS] for name in value)
    return tuple(dict.fromkeys(name for name in names if name))[:MOST_OBJECTS]


def _flags(value: object) -> dict[str, bool]:
    if not isinstance(value, dict):
        raise AnswerError("hallucination_flags must be an object")
    flags = {name: value.get(name, False) for name in FLAGS}
    if wrong := [name for name, flag in flags.items() if not isinstance(flag, bool)]:
        raise AnswerError(f"hallucination_flags.{wrong[0]} must be true or false")
    return flags


def _motion(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise AnswerError("structured_motion must be an object")
    motion: dict[str, str] = {}
    for name in MOTION_TEXTS:
        if name == "mid_state" and name not in value:
            continue
        said = value.get(name, "unclear")
        if not isinstance(said, str):
            raise AnswerError(f"structured_motion.{name} must be a text")
        motion[name] = " ".join(said.split())[:MOST_CHARACTERS]
    for name, allowed in MOTION_LISTS.items():
        default = "low" if name == "confidence" else "unclear"
        motion[name] = _word(value.get(name, default), f"structured_motion.{name}", allowed)
    return motion
