"""Points without a trace, beside the official rows: what rests, and what cannot be trusted.

The official files hold moving points only. What a picture shows mostly rests, and a model that never sees a
resting point lets the table fly. So every anchor may own *places* besides its rows:

    mu0_samples/resting/     seen, tracked, still in the world within noise in all frames: the future of such
                             a point is its place, at every step
    mu0_samples/untrusted/   moving points whose tracks are too doubtful for the official rows

Rows of anchor `frame_indices[i]` are `offsets[i]:offsets[i + 1]`, as in `samples/`. Official readers never
look there; other layouts carry the folder along.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import ClassVar, TypeAlias, TypeVar, final

import numpy as np
from jaxtyping import Float16, Float32, Int32, Int64

SCHEMA_VERSION = 1
VERSION_NAME = "schema_version"
BACKGROUND = -1  # as a cluster id: no entity
FIRST_THING = 1 << 20  # as a number: found at rest without tracks, see `PlaceRows`


@dataclass(frozen=True)
class PlaceRows:
    """Points and where they are seen, anchor by anchor.

    Attributes:
        frame_indices: Anchor frames, ascending; each is an anchor of the official rows where there are any.
        offsets: Row ranges of the anchors.
        places: (x px, y px, z m) in the anchor's camera; z is 0 in an episode without depth.
        cluster_ids: Entity number, from the same numbers as the official ones; -1: no entity. Things that
            were found at rest without tracks have numbers from `FIRST_THING` on.
        track_ids: Track behind each row, from the same numbers as `SampleExtras.track_ids`, or from
            `FIRST_THING` on where a place was found without a track.
        confidence: Probability that the point is there, 0 to 1.
        schema_version: Of the files.
    """

    FOLDER: ClassVar[str] = ""

    frame_indices: Int32[np.ndarray, " m"]
    offsets: Int64[np.ndarray, " m+1"]
    places: Float32[np.ndarray, "n 3"]
    cluster_ids: Int32[np.ndarray, " n"]
    track_ids: Int32[np.ndarray, " n"]
    confidence: Float16[np.ndarray, " n"]
    schema_version: int = field(default=SCHEMA_VERSION, init=False)

    @property
    def n_rows(self) -> int:
        """Number of rows over all anchors."""
        return len(self.places)

    def rows(self, frame: int) -> slice:
        """Rows of an anchor frame (its number, not its place in the list); empty if it has none."""
        slot = int(np.searchsorted(self.frame_indices, frame))
        if slot == len(self.frame_indices) or self.frame_indices[slot] != frame:
            return slice(0, 0)
        return slice(int(self.offsets[slot]), int(self.offsets[slot + 1]))


PLACE_NAMES = tuple(item.name for item in fields(PlaceRows) if item.name != VERSION_NAME)
TYPES = {
    "frame_indices": "int32",
    "offsets": "int64",
    "places": "float32",
    "cluster_ids": "int32",
    "track_ids": "int32",
    "confidence": "float16",
}
PlaceKind = TypeVar("PlaceKind", bound=PlaceRows)
Columns: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@final
@dataclass(frozen=True)
class RestingRows(PlaceRows):
    """Points that rest: their place is where they stay."""

    FOLDER: ClassVar[str] = "resting"


@final
@dataclass(frozen=True)
class UntrustedRows(PlaceRows):
    """Points that seem to move, but whose tracks are too doubtful to be taught."""

    FOLDER: ClassVar[str] = "untrusted"


def shape_faults(columns: dict[str, np.ndarray]) -> list[tuple[str, str, str]]:
    """What is wrong with the types and shapes of loaded columns: name, found, expected."""
    n_frames, n_rows = (columns[name].shape[:1] or (0,) for name in ("frame_indices", "places"))
    shapes = {"frame_indices": n_frames, "offsets": (n_frames[0] + 1,), "places": (*n_rows, 3)}
    shapes |= dict.fromkeys(("cluster_ids", "track_ids", "confidence"), n_rows)
    return [
        (name, f"{columns[name].dtype} {columns[name].shape}", f"{TYPES[name]} {shape}")
        for name, shape in shapes.items()
        if columns[name].dtype != TYPES[name] or columns[name].shape != shape
    ]


def places_of_anchors(
    kind: type[PlaceKind], frames: Sequence[int], counts: Sequence[int], columns: Columns
) -> PlaceKind:
    """Rows of some anchors; those that own none are left out.

    Args:
        kind: What the points are.
        frames: Anchor frames, ascending.
        counts: Rows of each.
        columns: Places, cluster ids, track ids and confidence of all rows.
    """
    owns = np.asarray(counts, np.int64) > 0
    places, cluster_ids, track_ids, confidence = columns
    return kind(
        frame_indices=np.asarray(frames, np.int32)[owns],
        offsets=np.concatenate([[0], np.cumsum(np.asarray(counts, np.int64)[owns])]).astype(np.int64),
        places=places.astype(np.float32),
        cluster_ids=cluster_ids.astype(np.int32),
        track_ids=track_ids.astype(np.int32),
        confidence=confidence.astype(np.float16),
    )


def joined_places(parts: Sequence[PlaceRows], kind: type[PlaceKind]) -> PlaceKind | None:
    """The rows of one kind among parts of any, in the order of time; None if there are none."""
    filled = [part for part in parts if isinstance(part, kind) and part.n_rows]
    if len(filled) <= 1:
        return filled[0] if filled else None
    counts = np.concatenate([np.diff(part.offsets) for part in filled])
    columns = {
        name: np.concatenate([getattr(part, name) for part in filled])
        for name in PLACE_NAMES
        if name != "offsets"
    }
    return kind(offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), **columns)


def write_places(extras: Path, rows: PlaceRows | None) -> None:
    """Write rows into their folder below `extras`, where our own columns lie; nothing if there are none."""
    if rows is None or rows.n_rows == 0:
        return
    folder = extras / rows.FOLDER
    folder.mkdir(parents=True)
    for name in PLACE_NAMES:
        np.save(folder / f"{name}.npy", np.ascontiguousarray(getattr(rows, name)))
    np.save(folder / f"{VERSION_NAME}.npy", np.int32(rows.schema_version))
