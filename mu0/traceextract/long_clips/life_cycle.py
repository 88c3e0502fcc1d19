"""The life of every track of a long clip: chosen, lost, found again, retired.

On disk `mu0_samples/life.npy`, one line per event, by frame: (track, frame, event).
"""

from enum import IntEnum

import numpy as np
from jaxtyping import Int, Int32

from mu0.traceextract.long_clips.handover import Followed, Handover
from mu0.traceextract.long_clips.windows import Window


class Event(IntEnum):
    """What happened to a track."""

    CHOSEN = 0  # in this frame it was picked as a keypoint
    LOST = 1  # in this frame it was seen for the last time before it went out of sight
    FOUND = 2  # in this frame it was seen again
    RETIRED = 3  # from this frame on others stand for it


class LifeCycle:
    """Events so far."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self._events: list[np.ndarray] = []

    def note(self, event: Event, track: Int[np.ndarray, " n"], frame: Int[np.ndarray, " n"]) -> None:
        """Note the same event of several tracks."""
        same = np.full(len(track), int(event))
        self._events.append(np.stack([track, frame, same], 1).astype(np.int32))

    def note_found(self, followed: Followed, window: Window) -> None:
        """Hidden tracks that are seen in the core of the window."""
        seen = followed.tracks.visible[window.local_core]
        found = np.flatnonzero(followed.is_hidden & seen.any(0))
        self.note(Event.FOUND, followed.track_id[found], window.core.start + seen[:, found].argmax(0))

    def note_handover(self, handover: Handover) -> None:
        """Tracks that end or hide between two windows."""
        for points in (handover.lost, handover.hidden):
            self.note(Event.LOST, points.track_id, points.last_seen)
        self.note(Event.RETIRED, handover.retired.track_id, handover.retired.frame)

    def table(self) -> Int32[np.ndarray, "e 3"]:
        """All events by frame, then track."""
        events = np.concatenate([np.zeros((0, 3), np.int32), *self._events])
        return events[np.lexsort((events[:, 2], events[:, 0], events[:, 1]))]
