"""What a run of captions came to: counts that add up, reasons, and lines for people."""

import logging
from collections import Counter
from dataclasses import dataclass, field

from mu0.errors import CaptionError
from mu0.params.extract import CaptionsParams
from mu0.traceextract.captions.episode_captions import WINDOW_INCOMPLETE, EpisodeCaptions, Told
from mu0.traceextract.captions.official_records import Record

LOG = logging.getLogger(__name__)
STATUSES = ("ok", "fallback", "failed")
MOST_REASONS = 5


@dataclass
class Totals:
    """What a run did; `summary` is the same for equal captions, however they came about."""

    n_episodes: int = 0
    n_frames: int = 0
    n_frames_without_event: int = 0
    notes: dict[str, str] = field(default_factory=dict)
    texts: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    origins: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, episode_id: str, captions: EpisodeCaptions) -> None:
        """Count an episode."""
        plan = captions.plan
        self.n_episodes += 1
        self.n_frames += plan.episode.n_frames
        described = sum(chunk.length for chunk in plan.events.chunks)
        self.n_frames_without_event += plan.episode.n_frames - described
        if plan.events.note:
            self.notes[episode_id] = plan.events.note
        every: tuple[Told[object], ...] = (*captions.chunks, *captions.merged)
        for told in every:
            self.texts[told.origin.captioner, told.status] += 1
            own = {"model": told.origin.model, "licence": told.origin.licence}
            self.origins.setdefault(told.origin.captioner, own)
            if told.failure:
                self.reasons[told.failure.reason] += 1

    def count(self, status: str) -> int:
        """Number of texts of one status."""
        return sum(number for (_, found), number in self.texts.items() if found == status)

    def summary(self, params: CaptionsParams) -> Record:
        """Content of summary.json."""
        return {
            "captioner": params.captioner,
            "n_episodes": self.n_episodes,
            "n_frames": self.n_frames,
            "n_frames_without_event": self.n_frames_without_event,
            "n_texts": sum(self.texts.values()),
            "n_texts_by_status": {status: self.count(status) for status in STATUSES},
            "origins": self.origins,
            "reasons": dict(sorted(self.reasons.items())),
            "events_cut_without_noise_rule": self.notes,
        }

    def refuse_nothing(self, params: CaptionsParams) -> None:
        """Complain if every text failed.

        Raises:
            CaptionError: There are texts to write, and none was written.
        """
        n_texts = sum(self.texts.values())
        if n_texts == 0 or self.count("failed") < n_texts:
            return
        told = [reason for reason, _ in self.reasons.most_common() if reason != WINDOW_INCOMPLETE]
        reasons = "; ".join(told[:MOST_REASONS])
        raise CaptionError(
            f"The captioner {params.captioner!r} described none of {n_texts} events and windows: {reasons}.",
            expected="at least one caption",
            remedy="mend what the reason names and run the same command again, or set captions.fallback: "
            "template. The captions of the run before are untouched.",
        )

    def tell(self, report: list[str]) -> None:
        """Log what a person should know."""
        counts = ", ".join(f"{self.count(status)} {status}" for status in STATUSES)
        n_texts = sum(self.texts.values())
        LOG.info("captions: %d texts of %d episodes (%s)", n_texts, self.n_episodes, counts)
        for line in report:
            LOG.info("captions: %s", line)
        if self.n_frames_without_event:
            LOG.warning(
                "captions: %d of %d frames are noisy, or too few between noisy ones, and have no event",
                self.n_frames_without_event,
                self.n_frames,
            )
        for episode_id, note in self.notes.items():
            LOG.warning("captions: %s: %s", episode_id, note)
        for reason, number in self.reasons.most_common(MOST_REASONS):
            LOG.warning("captions: %d texts failed: %s", number, reason)
        if self.reasons:
            LOG.warning("captions: `dvc repro -f -s captions` asks again for what failed, and only for that")
