"""Captions without a language model: the source's own words and the measured motion, in three styles.

Every text of an episode holds the source's instruction word for word where there is one, because the policy
is later told just that; the motion around it is what the traces show. Nothing is invented: objects are named
by the source only, something is carried only if its points are seen to move with the gripper's, and an
episode without instruction speaks of motion alone. A skill that is inferred from movement and the source's
words is a label with the flag `contact_claim_without_clear_evidence`; its sentence tells the movement only.

    instruction_1   description in the third person
    instruction_2   imperative, step by step
    instruction_3   casual request, without motion

Source
    Styles and label lists: reference/traceextract.md §4.4 and §4.5.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mu0.traceextract.captions.captioners.instructions import objects_of
from mu0.traceextract.captions.captioners.interfaces import AbstractCaptioner, EventView, Origin, WindowView
from mu0.traceextract.captions.captioners.vocabulary import (
    FLAGS,
    MOTION_TYPES,
    Caption,
    Failure,
    MergedCaption,
)
from mu0.traceextract.captions.evidence.measured_motion import Motion
from mu0.traceextract.captions.evidence.skills import HOLDING

ACTORS = {"robot_gripper": "the robot gripper", "human_hand": "the hand"}
SOMETHING = "something"
CASUAL = ("please {task}", "could you {task}", "can you {task}", "go ahead and {task}")
MANNER = {  # of what is seen; {it} is what is held
    "grasp": "grasp {it}",
    "lift": "lift {it}",
    "place": "lower {it}",
    "release": "let {it} go",
}
VERBS = {"reach": "reach", "transport": "carry {it}", "push": "push {it}", "retreat": "move away"}
LABELS = {
    "retreat": "reposition",
    "idle": "unknown",
}  # the other skills are called as the official labels are
REST = "hold still"


@dataclass(frozen=True)
class TemplateCaptioner(AbstractCaptioner):
    """Fills sentences; needs no weights, no network and no pictures, and cannot fail."""

    seed: int

    @property
    def origin(self) -> Origin:
        """Templates have no model and no licence of their own."""
        return Origin("template")

    def describe(self, events: Sequence[EventView]) -> list[Caption | Failure]:
        """One caption per event."""
        return [self._caption(event) for event in events]

    def merge(self, windows: Sequence[WindowView]) -> list[MergedCaption | Failure]:
        """The motions of a window, one after another."""
        return [
            MergedCaption(
                self._instructions(
                    window.events, 1000 * len(window.events) + window.events[0].chunk.chunk_id
                ),
                tuple(self._instructions([event], event.chunk.chunk_id)[0] for event in window.events),
            )
            for window in windows
        ]

    def report(self) -> list[str]:
        """Nothing was asked of anybody."""
        return []

    def _caption(self, event: EventView) -> Caption:
        objects, motion = objects_of(event.task), event.motion
        is_inferred = not motion.is_seen and motion.skill in ("grasp", *HOLDING, "release")
        return Caption(
            instructions=self._instructions([event], event.chunk.chunk_id),
            embodiment_type=event.embodiment,
            skill_labels=tuple(skill_labels(motion, is_last=event.is_last)),
            objects=objects,
            hallucination_flags=dict(
                zip(FLAGS, (is_inferred, not event.task, event.embodiment == "unknown"), strict=True)
            ),
            structured_motion=_structured(event),
        )

    def _instructions(self, events: Sequence[EventView], number: int) -> tuple[str, str, str]:
        it = "it" if events[0].task else SOMETHING
        phrases = [phrase for event in events for phrase in motion_phrases(event.motion, it)]
        phrases = [phrase for i, phrase in enumerate(phrases) if i == 0 or phrase != phrases[i - 1]]
        first = events[0]
        own_seed = zlib.crc32(f"{self.seed}/{first.episode.sidecar.episode_id}".encode())
        rng = np.random.default_rng([own_seed, number])
        casual = CASUAL[int(rng.integers(len(CASUAL)))]
        actor = ACTORS.get(first.embodiment, SOMETHING)
        told = _joined([_third_person(phrase) for phrase in phrases])
        if not first.task:
            return f"{actor} {told}", _joined(phrases), casual.format(task=_joined(phrases))
        described = f"{actor} {told}" if actor != SOMETHING else _joined(phrases)
        return (
            f"{first.task}: {described}",
            f"{first.task}: {_joined(phrases)}",
            casual.format(task=first.task),
        )


def motion_phrases(motion: Motion, it: str = "it") -> list[str]:
    """Imperative phrases for a measured motion, such as "carry it left and up".

    Args:
        motion: Of one event.
        it: What is held.
    """
    if motion.is_seen and motion.skill in MANNER:
        return [MANNER[motion.skill].format(it=it)]
    if not motion.directions:
        return [REST]
    is_told = motion.is_seen or motion.skill not in HOLDING
    verb = VERBS.get(motion.skill, "move").format(it=it) if is_told else "move"
    return [f"{verb} {' and '.join(words)}" for words in (motion.directions, motion.then) if words]


def _third_person(phrase: str) -> str:
    verb, _, rest = phrase.partition(" ")
    if verb.endswith("y"):
        return f"{verb.removesuffix('y')}ies {rest}"
    return f"{verb}{'es' if verb.endswith(('ch', 'sh')) else 's'} {rest}"


def _joined(phrases: list[str]) -> str:
    return ", then ".join(phrases)


def skill_labels(motion: Motion, *, is_last: bool) -> list[str]:
    """One of the official skill words.

    Without a known course nothing is known of holding: the actor reaches, and at the end goes elsewhere.
    """
    if motion.skill:
        return [LABELS.get(motion.skill, motion.skill)]
    if not motion.directions:
        return ["unknown"]
    return ["reposition"] if is_last and motion.lift > 0 else ["reach"]


def _structured(event: EventView) -> dict[str, str]:
    motion, objects = event.motion, objects_of(event.task)
    touches = motion.is_seen and motion.skill in ("grasp", *HOLDING, "release")
    return {
        "main_actor": ACTORS.get(event.embodiment, "unknown"),
        "moving_region": objects[0] if motion.is_joint and objects else "unclear",
        "start_state": "unclear",
        "end_state": "unclear",
        "motion_type": _motion_type(motion),
        "motion_direction": motion.directions[0] if motion.directions else "none",
        "temporal_pattern": "unclear",
        "interaction": "holds an object"
        if motion.is_joint
        else "touches an object"
        if touches
        else "unclear",
        "confidence": "medium" if motion.is_seen or (motion.directions and not motion.skill) else "low",
    }


def _motion_type(motion: Motion) -> str:
    if motion.is_seen and motion.skill in MOTION_TYPES:
        return motion.skill
    return "translate" if motion.directions else "idle"
