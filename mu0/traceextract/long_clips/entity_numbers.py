"""Entity numbers that mean the same in every window of a clip.

A window numbers its rigid bodies and patch clusters anew. Points that were handed over know their number:
a body takes the number that most of its members bring along if these have moved before, a cluster that of the
still points on its patches, one to one, the most votes first; whatever is left is new. A point that has moved
keeps its number for ever. (TraceExtract restarts at 0 in every chunk: reference/traceextract.md §9 no. 9.)
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Int32

from mu0.traceextract.long_clips.handover import Carried
from mu0.traceextract.tracking.world_tracks import STILL, WorldTracks

Votes = list[tuple[int, int]]  # (label in the window, number in the clip), one pair per vote


@dataclass
class EntityNumbers:
    """Numbers given so far."""

    n_given: int = 0

    def new_number(self) -> int:
        """A number that nobody has."""
        self.n_given += 1
        return self.n_given - 1

    def first_window(self, tracks: WorldTracks) -> Int32[np.ndarray, " n"]:
        """The first window's own numbers are the clip's."""
        self.n_given = max(self.n_given, int(tracks.entity.max(initial=-1)) + 1)
        return tracks.entity

    def later_window(
        self, tracks: WorldTracks, carried: Carried, cluster: Int[np.ndarray, " k"], votes: Votes
    ) -> Int32[np.ndarray, " n"]:
        """Numbers of the tracks of a window.

        Args:
            tracks: The window's tracks; the first `len(carried)` keypoints were handed over.
            carried: Those.
            cluster: Patch cluster of every keypoint behind them.
            votes: (cluster, number) for still points that were handed over.
        """
        assert tracks.keypoint is not None
        assert tracks.rides_on is not None
        entity = np.empty(tracks.n_points, np.int32)
        is_old = tracks.keypoint < len(carried)
        old = tracks.keypoint[is_old]
        entity[is_old] = carried.entity[old]
        keeps = np.zeros(tracks.n_points, bool)
        keeps[is_old] = carried.has_moved[old]
        rides = tracks.rides_on > STILL
        bodies = self._numbers(
            np.unique(tracks.rides_on[rides]),
            list(zip(tracks.rides_on[rides & keeps].tolist(), entity[rides & keeps].tolist(), strict=True)),
        )
        for body, number in bodies.items():
            entity[(tracks.rides_on == body) & ~keeps] = number
        is_loose = ~is_old & ~rides
        label = np.full(tracks.n_points, -1)
        label[is_loose] = cluster[tracks.keypoint[is_loose] - len(carried)]
        for patch_cluster, number in self._numbers(np.unique(label[is_loose]), votes).items():
            entity[is_loose & (label == patch_cluster)] = number
        return entity

    def _numbers(self, labels: Int[np.ndarray, " l"], votes: Votes) -> dict[int, int]:
        """A number for every label: by votes, one to one, the rest new."""
        found: dict[int, int] = {}
        pairs, counts = np.unique(np.array(votes, int).reshape(-1, 2), axis=0, return_counts=True)
        for index in np.argsort(-counts, kind="stable"):
            label, number = (int(value) for value in pairs[index])
            if label in labels and label not in found and number not in found.values():
                found[label] = number
        for label in labels.tolist():
            if label not in found:
                found[label] = self.n_given
                self.n_given += 1
        return found
