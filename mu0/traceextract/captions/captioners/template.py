"""Captions without a language model: the source's own words and the measured motion, in three styles.

Every text of an episode holds the source's instruction word for word where there is one, because the policy
is later told just that; the motion around it is what the traces show. Nothing is invented: objects are named
by the source only, and an episode without instruction speaks of motion alone.

    instruction_1   description in the third person
    instruction_2   imperative, step by step
    instruction_3   casual request, without motion

Source
    Styles and label lists: reference/traceextract.md §4.4 and §4.5.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mu0.traceextract.captions.captioners.interfaces import AbstractCaptioner, EventView, Origin, WindowView
from mu0.traceextract.captions.captioners.vocabulary import FLAGS, Caption, Failure, MergedCaption
from mu0.traceextract.captions.evidence.measured_motion import Motion

ACTORS = {"robot_gripper": "the robot gripper", "human_hand": "the hand"}
SOMETHING = "something"
CASUAL = ("please {task}", "could you {task}", "can you {task}", "go ahead and {task}")
ARTICLE_AND_NAME = re.compile(
    r"\b(?:the|a|an)\s+((?:[\w-]+\s+){0,3}?[\w-]+)"
    r"(?=\s+(?:and|or|to|towards?|into|in|inside|on|onto|upon|from|with|of|off|out|at|by|then|next|over|under|"
    r"above|below|behind|beside|between|through|across|up|down|left|right|for|using|so|until|while)\b|\s*[.,;:]|\s*$)",
    re.IGNORECASE,
)


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
        objects = objects_of(event.task)
        return Caption(
            instructions=self._instructions([event], event.chunk.chunk_id),
            embodiment_type=event.embodiment,
            skill_labels=tuple(skill_labels(event.motion, is_last=event.is_last)),
            objects=objects,
            hallucination_flags=dict(
                zip(FLAGS, (False, not event.task, event.embodiment == "unknown"), strict=True)
            ),
            structured_motion=_structured(event),
        )

    def _instructions(self, events: Sequence[EventView], number: int) -> tuple[str, str, str]:
        phrases = [phrase for event in events for phrase in motion_phrases(event.motion)]
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


def motion_phrases(motion: Motion) -> list[str]:
    """Imperative phrases for a measured motion, such as "carry it left and up"."""
    if not motion.directions:
        return ["hold still"]
    verb = "carry it" if motion.is_joint else "move"
    return [f"{verb} {' and '.join(words)}" for words in (motion.directions, motion.then) if words]


def _third_person(phrase: str) -> str:
    verb, _, rest = phrase.partition(" ")
    ending = "ies" if verb.endswith("y") else "s"
    return f"{verb.removesuffix('y') if ending == 'ies' else verb}{ending} {rest}"


def _joined(phrases: list[str]) -> str:
    return ", then ".join(phrases)


def skill_labels(motion: Motion, *, is_last: bool) -> list[str]:
    """One or two of the official skill words."""
    if not motion.directions:
        return ["unknown"]
    main = motion.directions[0]
    if motion.is_joint:
        if main == "up":
            return ["grasp", "lift"]
        return ["place", "release"] if main == "down" and is_last else ["transport"]
    return ["release"] if is_last and motion.lift > 0 else ["reach"]


def objects_of(task: str) -> tuple[str, ...]:
    """The things an instruction names with an article, such as "red cube" and "bowl"."""
    return tuple(dict.fromkeys(match.group(1).lower() for match in ARTICLE_AND_NAME.finditer(task)))


def _structured(event: EventView) -> dict[str, str]:
    motion, objects = event.motion, objects_of(event.task)
    return {
        "main_actor": ACTORS.get(event.embodiment, "unknown"),
        "moving_region": objects[0] if motion.is_joint and objects else "unclear",
        "start_state": "unclear",
        "end_state": "unclear",
        "motion_type": ("transport" if motion.is_joint else "translate") if motion.directions else "idle",
        "motion_direction": motion.directions[0] if motion.directions else "none",
        "temporal_pattern": "unclear",
        "interaction": "moves together with another entity" if motion.is_joint else "unclear",
        "confidence": "medium" if motion.directions else "low",
    }
