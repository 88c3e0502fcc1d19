"""What a model is asked: our own wording, the schema of the answer, and the closed lists.

The source's instruction is passed on as a hint, quoted and stripped of anything that chat templates read as a
command. Merging sees texts only, no pictures.

Source
    Purposes of the prompts: reference/traceextract.md §4.2.
"""

import json
import re

from mu0.traceextract.captions.captioners.interfaces import EventView, Prompt, WindowView
from mu0.traceextract.captions.captioners.vocabulary import (
    EMBODIMENTS,
    FLAGS,
    MOTION_LISTS,
    MOTION_TEXTS,
    SKILLS,
)
from mu0.traceextract.captions.evidence.pictures import Picture, is_medium

MOST_TASK_CHARACTERS = 600
MARKUP = re.compile(r"<[^<>]{0,40}>|```")

EVENT_SYSTEM = (
    "You describe short pieces of manipulation recordings for a robot data set. A piece is given by pictures "
    "in time order. Say only what the pictures support; where you are not sure, choose the more general word "
    "and set the matching flag. Write about the scene itself: never mention pictures, frames, masks or a "
    "video. Answer with one JSON object and nothing else."
)
WINDOW_SYSTEM = (
    "You join descriptions of consecutive events of one manipulation recording into one. Keep their order "
    "and their names for things and actors, add nothing that they do not say, be brief. Answer with one JSON "
    "object and nothing else."
)
STYLES = {
    "instruction_1": "what happens, in the third person",
    "instruction_2": "the same as step-by-step orders, at most 30 words",
    "instruction_3": "the same as somebody would ask for it casually, at most 20 words",
}
LABELS = {
    "FIRST_FRAME": "How it begins:",
    "MIDDLE_FRAME": "Half way:",
    "LAST_FRAME": "How it ends:",
    "MOTION_MASK": "White marks what moves most, at the beginning:",
}


def event_prompt(event: EventView, *, with_mask: bool) -> Prompt:
    """The question about one event."""
    shown = {"OVERLAY"} if with_mask else {"OVERLAY", "MOTION_MASK"}
    parts: list[str | Picture] = [_context(event)]
    for picture in event.pictures:
        if picture.label not in shown:
            parts += [LABELS[picture.label], picture]
    parts.append(_event_schema(with_middle=is_medium(event.chunk, event.region)))
    return Prompt(EVENT_SYSTEM, tuple(parts))


def window_prompt(view: WindowView) -> Prompt:
    """The question about neighbouring events."""
    told = [
        {
            "chunk_id": event.chunk.chunk_id,
            "instruction_1": caption.instructions[0],
            "embodiment_type": caption.embodiment_type,
            "skill_labels": list(caption.skill_labels),
            "structured_motion": caption.structured_motion,
        }
        for event, caption in zip(view.events, view.captions, strict=True)
    ]
    schema = {
        **STYLES,
        "timeline": [{"chunk_id": "number of the event", "event": "what happens in it, one sentence"}],
    }
    return Prompt(
        WINDOW_SYSTEM,
        (
            f"Events in time order:\n{json.dumps(told)}",
            f"Answer with this JSON object, at most 35 words for instruction_1:\n{json.dumps(schema)}",
        ),
    )


def correction(reason: str, *, is_cut: bool) -> str:
    """What a model is told about an answer that cannot be used."""
    shorter = " It was cut off because it was too long; keep every text short." if is_cut else ""
    return f"This answer cannot be used: {reason}.{shorter} Answer again with the complete JSON object only."


def _context(event: EventView) -> str:
    chunk = event.chunk
    lines = [
        f"Event {chunk.chunk_id + 1} of {event.n_chunks} of this recording, {chunk.length} frames long. "
        "Other events have their own descriptions; describe what is particular to this one."
    ]
    if event.task:
        quoted = json.dumps(plain(event.task)[:MOST_TASK_CHARACTERS], ensure_ascii=False)
        lines.append(
            f"The whole recording was labelled {quoted}. Take this as a hint about names of things; it may "
            "not fit this event, and must not be repeated word for word."
        )
    if event.embodiment != "unknown":
        lines.append(f"Known actor: {event.embodiment}.")
    return "\n".join(lines)


def plain(text: str) -> str:
    """A text without line breaks and without tags such as `<image>` or `<|im_end|>`."""
    return " ".join(MARKUP.sub(" ", text).split())


def _event_schema(*, with_middle: bool) -> str:
    motion: dict[str, str] = {
        name: "a few words" for name in MOTION_TEXTS if with_middle or name != "mid_state"
    }
    motion |= {name: " | ".join(allowed) for name, allowed in MOTION_LISTS.items()}
    schema = {
        **STYLES,
        "embodiment_type": " | ".join(EMBODIMENTS),
        "skill_labels": [f"one or two of: {', '.join(SKILLS)}"],
        "objects": ["names of the things that take part"],
        "hallucination_flags": dict.fromkeys(FLAGS, "true | false"),
        "structured_motion": motion,
    }
    return f"Answer with this JSON object, each text replaced by yours:\n{json.dumps(schema)}"
