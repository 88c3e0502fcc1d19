"""What an episode holds: frames, cameras, and for many anchor frames the traces of the points seen there.

Rows of all anchor frames lie one after another: anchor `frame_indices[i]` owns rows
`offsets[i]:offsets[i + 1]`. A *trace* is (x px, y px, z m) in the anchor frame's camera, index 0 is the
anchor itself, history runs backwards, and unused steps are -inf in all channels behind a prefix mask.

Source
    reference/traceextract.md §1.2 to §1.5; names, types and the order of fields are the files' own.
"""

from dataclasses import dataclass, field, fields

import numpy as np
from jaxtyping import Bool, Float16, Float32, Int32, Int64, UInt8

from mu0.episodes.resting import RestingRows, UntrustedRows

PAD = -np.inf


@dataclass(frozen=True)
class Samples:
    """The 14 arrays of `samples/`, in the order in which they are written.

    Attributes:
        frame_indices: Anchor frames, ascending.
        offsets: Row ranges of the anchors.
        keypoints: Pixel position at the anchor.
        cluster_ids: Entity number, unique over the episode.
        is_moving: Always True in stored rows.
        visibs: 1.0 where the point is seen in the anchor frame, else 0.0.
        traj: Future, equal steps of path length, anchor's camera.
        traj_history: Past, time reversed, equal steps of path length, anchor's camera.
        valid_steps: Prefix mask of `traj`.
        valid_steps_history: Prefix mask of `traj_history`.
        raw_traj: Step k is frame t + k, anchor's camera.
        raw_traj_history: Step k is frame t - k, anchor's camera.
        raw_valid_steps: Prefix mask of `raw_traj`.
        raw_valid_steps_history: Prefix mask of `raw_traj_history`.
    """

    frame_indices: Int32[np.ndarray, " f"]
    offsets: Int64[np.ndarray, " f+1"]
    keypoints: Float16[np.ndarray, "n 2"]
    cluster_ids: Int32[np.ndarray, " n"]
    is_moving: Bool[np.ndarray, " n"]
    visibs: Float16[np.ndarray, " n"]
    traj: Float16[np.ndarray, "n l 3"]
    traj_history: Float16[np.ndarray, "n h 3"]
    valid_steps: Bool[np.ndarray, "n l"]
    valid_steps_history: Bool[np.ndarray, "n h"]
    raw_traj: Float16[np.ndarray, "n l 3"]
    raw_traj_history: Float16[np.ndarray, "n h 3"]
    raw_valid_steps: Bool[np.ndarray, "n l"]
    raw_valid_steps_history: Bool[np.ndarray, "n h"]

    @property
    def n_slots(self) -> int:
        """Number of anchor frames."""
        return len(self.frame_indices)

    @property
    def n_rows(self) -> int:
        """Number of rows over all anchors."""
        return len(self.keypoints)

    def rows(self, slot: int) -> slice:
        """Rows of the anchor number `slot` (not the frame number)."""
        return slice(int(self.offsets[slot]), int(self.offsets[slot + 1]))


SAMPLE_NAMES = tuple(item.name for item in fields(Samples))


@dataclass(frozen=True)
class SampleExtras:
    """What `mu0_samples/` adds to the rows of `samples/`; official readers never look there.

    Attributes:
        track_ids: Track behind each row, unique over the episode.
        confidence: Probability that the keypoint is where it is said to be, at its anchor, 0 to 1.
    """

    track_ids: Int32[np.ndarray, " n"] | None = None
    confidence: Float16[np.ndarray, " n"] | None = None


EXTRA_NAMES = tuple(item.name for item in fields(SampleExtras))


@dataclass(frozen=True)
class EpisodeArrays:
    """Everything that goes into the official files of one episode.

    Attributes:
        images: RGB.
        depth_m: Camera z [m], or None for a 2-D-only episode (then depth.npy is absent).
        intrinsics: Pinhole matrix of each frame [px].
        camera_from_world: World to camera, the official "extrinsics".
        acceleration: Mean acceleration of moving points [px per frame^2]; 0 where undefined.
        samples: None if no anchor frame has a usable row.
        movement: Content of movement_statistics.npz (`mu0.episodes.movement`).
        description: Instructions, one per line, for description.txt; the sidecar's instruction if empty.
        meta: Content of meta.json; written if not None, or if there is a description.
        extras: Our own columns beside the official ones.
        resting: Points that rest, beside the official rows; None if there are none.
        untrusted: Moving points that were kept out of the official rows; None if there are none.
    """

    images: UInt8[np.ndarray, "t h w 3"]
    depth_m: Float16[np.ndarray, "t h w"] | None
    intrinsics: Float32[np.ndarray, "t 3 3"]
    camera_from_world: Float32[np.ndarray, "t 4 4"]
    acceleration: Float32[np.ndarray, " t"]
    samples: Samples | None
    movement: dict[str, np.ndarray] = field(default_factory=dict)
    description: str = ""
    meta: dict[str, object] | None = None
    extras: SampleExtras | None = None
    resting: RestingRows | None = None
    untrusted: UntrustedRows | None = None
