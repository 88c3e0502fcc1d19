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

INSTRUCTIONS = ("instruction_1", "instruction_2", "instruction_3")
FENCED = re.compile(r"```[a-zA-Z]*\s*(.*?)```", re.DOTALL)
# how reasoning models begin and end what they think aloud: DeepSeek and Qwen, Magistral, gpt-oss, Gemma, Kimi
THOUGHT = re.compile(
    r"</(?:think|thinking|thought|thoughts|reasoning|reflection|analysis|scratchpad)>|\[/THINK\]"
    r"|<\|channel\|>final<\|message\|>|◁/think▷|<\|end_of_thought\|>|<\|/think\|>",
    re.IGNORECASE,
)
THINKS = re.compile(
    r"</?(?:think|thinking|thought|thoughts|reasoning|reflection|analysis|scratchpad)>|\[/?THINK\]"
    r"|<\|channel\|>analysis|◁/?think▷|<\|begin_of_thought\|>|<\|/?think\|>",
    re.IGNORECASE,
)
DECODER = json.JSONDecoder()
MOST_BRACES = 20_000  # tried in one answer
ABOUT_PICTURES = re.compile(
    r"\b((first|middle|last)[ _]frame|motion[ _]mask|(the|this|an?) (image|picture|video|mask))\b",
    re.IGNORECASE,
)
MOST_WORDS, MOST_OBJECTS, MOST_CHARACTERS = 80, 8, 160


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


def find_object(text: str, field: str = INSTRUCTIONS[0]) -> dict[str, object]:
    """The JSON object in a model's answer that holds `field`.

    An answer may think aloud first, with braces and drafts in it, and add remarks afterwards. Looked through
    in this order: what stands behind the thinking, then the whole text; of each the text itself, its fenced
    blocks, and its balanced objects. Of several the last one counts.

    Raises:
        AnswerError: There is none; an answer that ended while thinking is told as such.
    """
    tail = text[max((match.end() for match in THOUGHT.finditer(text)), default=0) :]
    others: list[object] = []
    for part in dict.fromkeys((tail, text)):
        whole = _parsed(part)
        if not isinstance(whole, dict | None):  # a list of answers is none
            others.append(whole)
            continue
        wholes = _wholes(part)
        for candidates in (wholes, _balanced(part, field)):
            complete = [each for each in candidates if isinstance(each, dict) and field in each]
            if complete:
                return complete[-1]
        others += wholes
    if lacking := [each for each in others if isinstance(each, dict)]:
        return lacking[0]  # its reader says what it lacks
    raise AnswerError(_why_none(text, tail, others))


def _wholes(text: str) -> list[object]:
    """The values that are the whole text, a fenced block, or all between the outermost braces."""
    spans = [text, *FENCED.findall(text), text[text.find("{") : text.rfind("}") + 1]]
    return [value for span in spans if (value := _parsed(span)) is not None]


def _balanced(text: str, field: str) -> list[object]:
    """The objects that begin at any brace; one without `field` may hold another that has it."""
    objects: list[object] = []
    start = text.find("{")
    for _ in range(MOST_BRACES):
        if start < 0:
            break
        stop = start + 1
        try:
            value, end = DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):  # thousands of opening brackets are an answer too
            pass
        else:
            objects.append(value)
            stop = end if field in value else stop
        start = text.find("{", stop)
    return objects


def _parsed(text: str) -> object:
    try:
        return json.loads(text.strip())
    except (ValueError, RecursionError):
        return None


def _why_none(text: str, tail: str, others: list[object]) -> str:
    if others:
        return f"the answer is a JSON {type(others[0]).__name__}, not an object"
    if THINKS.search(text) and not tail.strip():
        return "the answer ends after its thinking"
    if THINKS.search(text) and tail == text:
        return "the answer ends while it is still thinking"
    return "the answer is not valid JSON" if text.strip() else "the answer is empty"


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
