"""Captions of an episode: cut it into events, say what happens in each and in neighbouring ones together.

    plan_episode       episode -> events, and what a captioner may look at
    caption_episodes   plans -> texts, each with who wrote it

Whatever a model could not describe is described by templates and marked as such, or left out and marked as
failed, as `captions.fallback` says. A window is put to a model only if that model described all its events,
so no text of templates ever passes for one of a model.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import numpy as np
from jaxtyping import Float

from mu0.episodes.read import Episode
from mu0.params.extract import CaptionsParams
from mu0.text_files import read_text
from mu0.traceextract.captions.captioners.instructions import is_handling
from mu0.traceextract.captions.captioners.interfaces import AbstractCaptioner, EventView, Origin, WindowView
from mu0.traceextract.captions.captioners.template import TemplateCaptioner
from mu0.traceextract.captions.captioners.vocabulary import Caption, Failure, MergedCaption
from mu0.traceextract.captions.evidence.course import Course, find_course
from mu0.traceextract.captions.evidence.event_cutting import (
    Chunk,
    Events,
    MergeWindow,
    find_events,
    merge_windows,
)
from mu0.traceextract.captions.evidence.measured_motion import Motion, measure, measure_course
from mu0.traceextract.captions.evidence.moving_region import find_region
from mu0.traceextract.captions.evidence.upright import up_in_world

EMBODIMENTS = {"ur3": "robot_gripper", "human_hand": "human_hand"}
WINDOW_INCOMPLETE = "an event of this window has no caption of the model"
Status = Literal["ok", "fallback", "failed"]
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Plan:
    """An episode that is about to be captioned."""

    episode: Episode
    events: Events
    views: tuple[EventView, ...]
    task: str

    @property
    def windows(self) -> list[MergeWindow]:
        """Neighbouring events that are described together."""
        return merge_windows(self.events.chunks)


@dataclass(frozen=True)
class Told(Generic[T_co]):
    """A text with its story.

    Attributes:
        caption: The text; None if it failed and there is no fallback.
        origin: Who wrote it, or failed to.
        status: "ok", "fallback" (templates, because the captioner failed) or "failed".
        failure: Why the captioner failed; None if it did not.
    """

    caption: T_co | None
    origin: Origin
    status: Status = "ok"
    failure: Failure | None = None


@dataclass(frozen=True)
class EpisodeCaptions:
    """All texts of one episode, in the order of its events and windows."""

    plan: Plan
    chunks: tuple[Told[Caption], ...]
    merged: tuple[Told[MergedCaption], ...]


def plan_episode(episode: Episode, params: CaptionsParams) -> Plan:
    """Find the events of an episode and what moves in them."""
    task = task_of(episode)
    up = up_in_world(episode)
    course = None
    if params.cut == "skills":
        course = find_course(episode, up, may_infer=is_handling(task), shortest=params.min_skill_len)
    events = find_events(
        np.asarray(episode.acceleration),
        _rows_per_frame(episode),
        params,
        cuts=course.cuts if course else (),
    )
    views = tuple(
        EventView(
            episode=episode,
            chunk=chunk,
            n_chunks=len(events.chunks),
            motion=_motion(episode, course, up, chunk),
            region=find_region(episode, chunk),
            task=task,
            embodiment=EMBODIMENTS.get(episode.sidecar.embodiment, "unknown"),
            side_px=params.image_side_px,
        )
        for chunk in events.chunks
    )
    return Plan(episode, events, views, task)


def _motion(episode: Episode, course: Course | None, up: Float[np.ndarray, " 3"], chunk: Chunk) -> Motion:
    if course is None:
        return measure(episode, chunk.start_idx, chunk.end_idx, up)
    return measure_course(episode, course, up, chunk.start_idx, chunk.end_idx)


def task_of(episode: Episode) -> str:
    """The source's own instruction: of mu0.json, else the first line of the official description.txt."""
    if told := episode.sidecar.instruction.strip():
        return told
    path = episode.folder / "description.txt"
    lines = read_text(path).text.splitlines() if path.is_file() else []
    return next((line.strip() for line in lines if line.strip()), "")


def _rows_per_frame(episode: Episode) -> np.ndarray:
    rows = np.zeros(episode.n_frames, np.int64)
    if episode.samples is not None:
        moves = np.asarray(episode.samples.is_moving, int)  # a TraceForge grid holds still points too
        rows[episode.samples.frame_indices] = np.add.reduceat(moves, episode.samples.offsets[:-1])
    return rows


def caption_episodes(
    plans: Sequence[Plan], captioner: AbstractCaptioner, params: CaptionsParams
) -> list[EpisodeCaptions]:
    """Put the events of some episodes into words, all of them in one round, then their windows in another.

    Raises:
        CaptionError: The captioner cannot work at all.
    """
    template = TemplateCaptioner(params.seed) if params.fallback == "template" else None
    views = [view for plan in plans for view in plan.views]
    answers = captioner.describe(views)
    standins = [
        template.describe([view])[0] if template and isinstance(answer, Failure) else answer
        for view, answer in zip(views, answers, strict=True)
    ]
    told = iter(_told(a, b, captioner.origin) for a, b in zip(answers, standins, strict=True))
    chunks = [tuple(itertools.islice(told, len(plan.views))) for plan in plans]
    windows = [
        (plan, own, window) for plan, own in zip(plans, chunks, strict=True) for window in plan.windows
    ]
    merged = iter(_merge(windows, captioner, template))
    return [
        EpisodeCaptions(plan, own, tuple(itertools.islice(merged, len(plan.windows))))
        for plan, own in zip(plans, chunks, strict=True)
    ]


def _told(answer: T | Failure, standin: T | Failure, origin: Origin) -> Told[T]:
    if not isinstance(answer, Failure):
        return Told(answer, origin)
    if isinstance(standin, Failure):
        return Told(None, origin, "failed", answer)
    return Told(standin, Origin("template"), "fallback", answer)


def _merge(
    windows: Sequence[tuple[Plan, tuple[Told[Caption], ...], MergeWindow]],
    captioner: AbstractCaptioner,
    template: TemplateCaptioner | None,
) -> list[Told[MergedCaption]]:
    asked: dict[int, WindowView] = {}
    merged: dict[int, Told[MergedCaption]] = {}
    for number, (plan, told, window) in enumerate(windows):
        ids = [chunk.chunk_id for chunk in window.chunks]
        own = [told[i] for i in ids]
        captions = tuple(item.caption for item in own if item.caption is not None)
        view = WindowView(window, tuple(plan.views[i] for i in ids), captions)
        if len(own) == 1:
            merged[number] = _alone(own[0])
        elif all(item.status == "ok" for item in own):
            asked[number] = view
        else:
            failure = Failure(WINDOW_INCOMPLETE)
            standin = template.merge([view])[0] if template else failure
            merged[number] = _told(failure, standin, captioner.origin)
    answers = captioner.merge(list(asked.values()))
    for (number, view), answer in zip(asked.items(), answers, strict=True):
        standin = template.merge([view])[0] if template and isinstance(answer, Failure) else answer
        merged[number] = _told(answer, standin, captioner.origin)
    return [merged[number] for number in range(len(windows))]


def _alone(told: Told[Caption]) -> Told[MergedCaption]:
    """A window of one event says what the event says; nobody is asked."""
    caption = told.caption
    both = MergedCaption(caption.instructions, (caption.instructions[0],)) if caption else None
    return Told(both, told.origin, told.status, told.failure)
