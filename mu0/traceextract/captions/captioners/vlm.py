"""Captions by a chat model that sees pictures: ask, read strictly, ask once more if the answer is unusable.

Answers are kept as soon as they are read, so a run that is stopped goes on where it was; answers that
cannot be used and requests that failed are not kept, so the next run asks for them again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from mu0.traceextract.captions.captioners.answer import AnswerError, read_caption, read_merged
from mu0.traceextract.captions.captioners.answer_cache import AnswerCache, question_key
from mu0.traceextract.captions.captioners.interfaces import (
    AbstractCaptioner,
    AbstractChatModel,
    EventView,
    Origin,
    Prompt,
    Reply,
    WindowView,
)
from mu0.traceextract.captions.captioners.prompts import correction, event_prompt, window_prompt
from mu0.traceextract.captions.captioners.vocabulary import Caption, Failure, MergedCaption

T = TypeVar("T")
MOST_RAW_CHARACTERS = 500
UNUSABLE = "unusable answer: "


@dataclass(frozen=True)
class _Question(Generic[T]):
    """A prompt, how its answer is read, and where it is kept."""

    prompt: Prompt
    read: Callable[[str], T]
    key: str


@dataclass
class _Counts:
    known: int = 0
    asked: int = 0
    corrected: int = 0
    failed: int = 0


@dataclass(frozen=True)
class VlmCaptioner(AbstractCaptioner):
    """Describes events by asking a chat model."""

    model: AbstractChatModel
    cache: AnswerCache
    with_mask: bool
    counts: _Counts = field(default_factory=_Counts)

    @property
    def origin(self) -> Origin:
        """The model."""
        return self.model.origin

    def describe(self, events: Sequence[EventView]) -> list[Caption | Failure]:
        """Ask about each event; pictures go along."""
        questions = []
        for event in events:
            prompt = event_prompt(event, with_mask=self.with_mask)
            span = (event.chunk.start_idx, event.chunk.end_idx)
            questions.append(_Question(prompt, read_caption, self._key(span, prompt)))
        return self._ask(questions)

    def merge(self, windows: Sequence[WindowView]) -> list[MergedCaption | Failure]:
        """Ask about each window; only texts go along."""
        questions = []
        for view in windows:
            prompt = window_prompt(view)
            ids = [event.chunk.chunk_id for event in view.events]
            told = [caption.instructions[0] for caption in view.captions]
            span = (view.events[0].chunk.start_idx, view.events[-1].chunk.end_idx)
            questions.append(_Question(prompt, _merged_reader(ids, told), self._key(span, prompt)))
        return self._ask(questions)

    def report(self) -> list[str]:
        """How much was asked, known and failed, and what the model says of itself."""
        counts = self.counts
        return [
            f"{counts.asked} asked ({counts.corrected} corrected once), "
            f"{counts.known} known from earlier runs, {counts.failed} failed",
            *self.model.report(),
        ]

    def _key(self, span: tuple[int, int], prompt: Prompt) -> str:
        return question_key(span, prompt, self.model.origin, self.model.settings)

    def _ask(self, questions: Sequence[_Question[T]]) -> list[T | Failure]:
        outcomes: dict[str, T | Failure] = {}
        for question in questions:
            if (known := self.cache.find(question.key)) is not None:
                outcome = _read(question, known)
                if not isinstance(outcome, Failure):
                    outcomes[question.key] = outcome
        self.counts.known += sum(question.key in outcomes for question in questions)
        missing = {question.key: question for question in questions if question.key not in outcomes}
        self.counts.asked += len(missing)
        unusable = self._round(list(missing.values()), outcomes)
        self.counts.corrected += len(unusable)
        self._round(unusable, outcomes)
        self.counts.failed += sum(isinstance(outcomes[key], Failure) for key in missing)
        return [outcomes[question.key] for question in questions]

    def _round(
        self, questions: Sequence[_Question[T]], outcomes: dict[str, T | Failure]
    ) -> list[_Question[T]]:
        """Ask, keep what can be used, and return what should be asked again with a correction."""
        again: list[_Question[T]] = []
        for position, reply in self.model.reply([question.prompt for question in questions]):
            question = questions[position]
            outcome: T | Failure = _read(question, reply)
            outcomes[question.key] = outcome
            if not isinstance(outcome, Failure):
                self.cache.keep(question.key, reply)
            elif not reply.failure:
                reason = outcome.reason.removeprefix(UNUSABLE)
                told = correction(reason, is_cut=reply.is_cut)
                prompt = replace(question.prompt, corrections=((reply.text, told),))
                again.append(replace(question, prompt=prompt))
        return again


def _merged_reader(ids: list[int], told: list[str]) -> Callable[[str], MergedCaption]:
    return lambda text: read_merged(text, ids, told)


def _read(question: _Question[T], reply: Reply) -> T | Failure:
    if reply.failure:
        return Failure(reply.failure)
    try:
        return question.read(reply.text)
    except AnswerError as error:
        cut = " (cut off: too long)" if reply.is_cut else ""
        return Failure(f"{UNUSABLE}{error}{cut}", reply.text[:MOST_RAW_CHARACTERS])
