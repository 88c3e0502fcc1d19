"""The role of a captioner, what it is shown, and the chat models behind two of them.

    template     motion and the source's own words -> texts         (captioners/template.py)
    local_vlm    pictures -> texts, by a model on this machine      (captioners/vlm.py + local_chat.py)
    openai       pictures -> texts, by a model behind an endpoint   (captioners/vlm.py + openai_chat.py)

A captioner says what it sees or returns a `Failure`; it never hands out an empty text. What follows a
failure is decided in one place, `mu0.traceextract.captions.episode_captions`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from mu0.episodes.read import Episode
from mu0.traceextract.captions.captioners.vocabulary import Caption, Failure, MergedCaption
from mu0.traceextract.captions.evidence.event_cutting import Chunk, MergeWindow
from mu0.traceextract.captions.evidence.measured_motion import Motion
from mu0.traceextract.captions.evidence.moving_region import Region
from mu0.traceextract.captions.evidence.pictures import Picture, event_pictures


@dataclass(frozen=True)
class Origin:
    """Where a text comes from; stored with it.

    Attributes:
        captioner: Its name in params.yaml.
        model: Model and version; empty for templates.
        licence: Licence of the model.
    """

    captioner: str
    model: str = ""
    licence: str = ""


@dataclass(frozen=True)
class EventView:
    """An event as a captioner sees it.

    Attributes:
        episode: Where it happens.
        chunk: Which frames.
        n_chunks: Events of the episode.
        motion: What its traces say.
        region: What moves most.
        task: The source's own instruction; a hint that may speak of the whole recording; empty if unknown.
        embodiment: One of EMBODIMENTS.
        side_px: Size of the pictures.
    """

    episode: Episode
    chunk: Chunk
    n_chunks: int
    motion: Motion
    region: Region
    task: str
    embodiment: str
    side_px: int

    @property
    def is_last(self) -> bool:
        """Whether the episode ends with it."""
        return self.chunk.chunk_id == self.n_chunks - 1

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        """Made when first asked for; templates never do."""
        return event_pictures(self.episode, self.chunk, self.region, self.side_px)


@dataclass(frozen=True)
class WindowView:
    """Neighbouring events with what was said about each."""

    window: MergeWindow
    events: tuple[EventView, ...]
    captions: tuple[Caption, ...]


class AbstractCaptioner(ABC):
    """Puts events into words."""

    @property
    @abstractmethod
    def origin(self) -> Origin:
        """Who speaks."""

    @abstractmethod
    def describe(self, events: Sequence[EventView]) -> list[Caption | Failure]:
        """A caption, or why there is none, for each event."""

    @abstractmethod
    def merge(self, windows: Sequence[WindowView]) -> list[MergedCaption | Failure]:
        """The same for windows of at least two events."""

    @abstractmethod
    def report(self) -> list[str]:
        """Lines for people about this run: requests, tokens, what was already known."""


@dataclass(frozen=True)
class Prompt:
    """A question to a chat model.

    Attributes:
        system: Who it shall be and how it shall answer.
        parts: Texts and pictures in order.
        corrections: Earlier answers, each with what was wrong with it.
    """

    system: str
    parts: tuple[str | Picture, ...]
    corrections: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Reply:
    """An answer, or why there is none.

    Attributes:
        text: The answer; means nothing if there is a failure.
        failure: Why there is no answer; empty if there is one.
        is_cut: True if it ended because it was too long.
        n_prompt_tokens: As counted by the model; 0 if it does not tell.
        n_completion_tokens: The same for the answer.
    """

    text: str
    failure: str = ""
    is_cut: bool = False
    n_prompt_tokens: int = 0
    n_completion_tokens: int = 0


class AbstractChatModel(ABC):
    """Answers prompts that hold pictures."""

    @property
    @abstractmethod
    def origin(self) -> Origin:
        """Who answers."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, object]:
        """Whatever else an answer depends on; part of the address under which it is kept."""

    @abstractmethod
    def reply(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Reply]]:
        """Answers as they come, each with the position of its prompt.

        Raises:
            CaptionError: No prompt of this run can be answered: a wrong key, a missing model.
        """

    @abstractmethod
    def report(self) -> list[str]:
        """Lines for people about this run."""
