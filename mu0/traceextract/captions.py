"""Captions without a language model: the source's own words and the measured motion, in three styles.

Every text of an episode holds the source's instruction word for word where there is one, because the policy
is later told just that; the motion around it is what the traces show. Nothing is invented: objects are named
by the source only, and an episode without instruction speaks of motion alone.

    instruction_1   description in the third person
    instruction_2   imperative, step by step
    instruction_3   casual request, without motion

Source
    Styles, label lists and record fields: reference/traceextract.md §4.4 to §4.6.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from mu0.episodes.read import Episode
from mu0.params.extract import CaptionsParams
from mu0.traceextract.captions_motion import Motion, measure
from mu0.traceextract.events import Chunk, MergeWindow, merge_windows, split_events

EMBODIMENTS = {"ur3": "robot_gripper", "human_hand": "human_hand"}
ACTORS = {"robot_gripper": "the robot gripper", "human_hand": "the hand", "unknown": "something"}
MEDIUM_LENGTH, MEDIUM_PX = 30, 5.0  # from here on an event counts as "medium" complex
CASUAL = ("please {task}", "could you {task}", "can you {task}", "go ahead and {task}")
Record = dict[str, object]


@dataclass(frozen=True)
class EpisodeCaptions:
    """All texts of one episode, as the official records."""

    chunk_texts: list[Record]
    merged_texts: list[Record]


def caption_episode(episode: Episode, params: CaptionsParams) -> EpisodeCaptions:
    """Cut an episode into events and describe each, and neighbouring ones together.

    An episode whose frames are all noisy is described as one event, so every episode has a text.
    """
    chunks = split_events(np.asarray(episode.acceleration), _rows_per_frame(episode), params)
    chunks = chunks or [Chunk(0, 0, 0, episode.n_frames - 1)]
    motions = {chunk.chunk_id: measure(episode, chunk.start_idx, chunk.end_idx) for chunk in chunks}
    speaker = _Speaker.of(episode, params.seed)
    return EpisodeCaptions(
        chunk_texts=[speaker.describe(chunk, motions[chunk.chunk_id], chunks) for chunk in chunks],
        merged_texts=[speaker.summarize(window, motions, chunks) for window in merge_windows(chunks)],
    )


def _rows_per_frame(episode: Episode) -> np.ndarray:
    rows = np.zeros(episode.n_frames, np.int64)
    if episode.samples is not None:
        rows[episode.samples.frame_indices] = np.diff(episode.samples.offsets)
    return rows


@dataclass(frozen=True)
class _Speaker:
    """Who is spoken about, and the choice of words, fixed per episode."""

    embodiment: str
    task: str
    seed: int

    @classmethod
    def of(cls, episode: Episode, seed: int) -> "_Speaker":
        sidecar = episode.sidecar
        own_seed = zlib.crc32(f"{seed}/{sidecar.episode_id}".encode())
        return cls(EMBODIMENTS.get(sidecar.embodiment, "unknown"), sidecar.instruction.strip(), own_seed)

    def describe(self, chunk: Chunk, motion: Motion, chunks: list[Chunk]) -> Record:
        """The official record of one event."""
        is_long = chunk.length >= MEDIUM_LENGTH and motion.distance_px >= MEDIUM_PX
        return {
            "chunk_id": chunk.chunk_id,
            "start_idx": chunk.start_idx,
            "end_idx": chunk.end_idx,
            **self._instructions([motion], chunk.chunk_id),
            "embodiment_type": self.embodiment,
            "task_type": "manipulation",
            "skill_labels": skill_labels(motion, is_last=chunk == chunks[-1]),
            "hallucination_flags": {
                "contact_claim_without_clear_evidence": False,
                "object_identity_uncertain": not self.task,
                "embodiment_uncertain": self.embodiment == "unknown",
            },
            "used_middle_frame": False,
            "complexity_tier": "medium" if is_long else "simple",
        }

    def summarize(self, window: MergeWindow, motions: dict[int, Motion], chunks: list[Chunk]) -> Record:
        """The official record of a merge window."""
        own = [motions[chunk.chunk_id] for chunk in window.chunks]
        labels = [
            label
            for chunk in window.chunks
            for label in skill_labels(motions[chunk.chunk_id], is_last=chunk == chunks[-1])
        ]
        return {
            "merge_type": window.merge_type,
            "source_chunk_ids": [chunk.chunk_id for chunk in window.chunks],
            "start_idx": window.chunks[0].start_idx,
            "end_idx": window.chunks[-1].end_idx,
            **self._instructions(own, 1000 * len(window.chunks) + window.chunks[0].chunk_id),
            "skill_labels": list(dict.fromkeys(labels)),
            "timeline": [
                {
                    "chunk_id": chunk.chunk_id,
                    "start_idx": chunk.start_idx,
                    "end_idx": chunk.end_idx,
                    "event": self._instructions([motions[chunk.chunk_id]], chunk.chunk_id)["instruction_1"],
                }
                for chunk in window.chunks
            ],
        }

    def _instructions(self, motions: list[Motion], number: int) -> dict[str, str]:
        phrases = [phrase for motion in motions for phrase in motion_phrases(motion)]
        phrases = [phrase for i, phrase in enumerate(phrases) if i == 0 or phrase != phrases[i - 1]]
        rng = np.random.default_rng([self.seed, number])
        casual = CASUAL[int(rng.integers(len(CASUAL)))]
        if not self.task:
            subject = ACTORS[self.embodiment]
            described = f"{subject} {_joined([_third_person(phrase) for phrase in phrases])}"
            return _three(described, _joined(phrases), casual.format(task=_joined(phrases)))
        subject = f"{ACTORS[self.embodiment]} " if self.embodiment != "unknown" else ""
        described = f"{self.task}: {subject}{_joined([_third_person(p) if subject else p for p in phrases])}"
        return _three(described, f"{self.task}: {_joined(phrases)}", casual.format(task=self.task))


def _three(first: str, second: str, third: str) -> dict[str, str]:
    return {"instruction_1": first, "instruction_2": second, "instruction_3": third}


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
