"""What tracking hands to sampling: every point of a clip, in the world, at every frame.

A track is one surface point followed through the whole clip. Tracks with the same *entity* move together
(one object, one finger); tracks with the same *query frame* form a *group*, the unit in which traces are
re-timed (`mu0.traceextract.samples.anchor_views`).

Conventions
    points_world   metres, world frame; NaN is allowed only before `first_frame`
    uv_px          pixel position in each frame's own image (x right, y down)
    camera frames  OpenCV: x right, y down, z forward; `camera_from_world` is the official "extrinsics"
    2-D only       `points_world` is None: the trace is the pixel track itself, z = 0

Sources
    Groups, entities and the drop rules: reference/traceextract.md §0, §2.11, §2.12.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32

PoseSource = Literal["given", "odometry", "none"]
LOOSE = -1  # rides on no body
STILL = 0  # rides on the world itself


@dataclass(frozen=True)
class WorldTracks:
    """All tracks of one clip with the cameras that produced them.

    Attributes:
        points_world: Positions [m] in the world frame, or None for a 2-D-only clip.
        uv_px: Pixel positions in each frame's own image; may leave the image or be NaN while hidden.
        visible: True where the point was seen.
        confidence: 0 to 1; how far the position can be trusted where it was not seen.
        query_frame: Frame in which the point was chosen; equal values form a group.
        entity: Entity number, unique over the whole episode.
        is_moving: True for points that move in the world beyond the movement threshold.
        intrinsics: Pinhole matrix [px].
        camera_from_world: One rigid transform per frame.
        pose_source: Where the camera motion comes from.
        first_frame: First frame at which the track exists (start of its tracking chunk); zeros if None.
        residuals: Residual statistics by name with their unit, e.g. "median_reprojection_error_px".
        dropped: Number of points dropped before this record was made, by reason.
        keypoint: Which keypoint each track came from (index into the list that was tracked), if known.
        rides_on: Number of the rigid body that carries it, from 1; or `STILL`, or `LOOSE`.
        lives: True from the first to the last frame in which a track is known, in one piece that holds its
            query frame; outside it nothing may be drawn or learned. None: all tracks, always.
        rests: True for points that rest without doubt in all frames; None: nobody asked.
        untrusted: True for points that seem to move, but whose tracks are too doubtful for that;
            `is_moving` is False for them. None: nobody asked.
    """

    points_world: Float32[np.ndarray, "t n 3"] | None
    uv_px: Float32[np.ndarray, "t n 2"]
    visible: Bool[np.ndarray, "t n"]
    confidence: Float32[np.ndarray, "t n"]
    query_frame: Int32[np.ndarray, " n"]
    entity: Int32[np.ndarray, " n"]
    is_moving: Bool[np.ndarray, " n"]
    intrinsics: Float[np.ndarray, "3 3"]
    camera_from_world: Float[np.ndarray, "t 4 4"]
    pose_source: PoseSource
    first_frame: Int32[np.ndarray, " n"] | None = None
    residuals: dict[str, float] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    keypoint: Int32[np.ndarray, " n"] | None = None
    rides_on: Int32[np.ndarray, " n"] | None = None
    lives: Bool[np.ndarray, "t n"] | None = None
    rests: Bool[np.ndarray, " n"] | None = None
    untrusted: Bool[np.ndarray, " n"] | None = None

    @property
    def is_3d(self) -> bool:
        """False for clips of which only pixel tracks are known."""
        return self.points_world is not None

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self.uv_px.shape[0]

    @property
    def n_points(self) -> int:
        """Number of tracks."""
        return self.uv_px.shape[1]


def fill_gaps(
    world: Float[np.ndarray, "t n 3"], is_seen: Bool[np.ndarray, "t n"]
) -> Float[np.ndarray, "t n 3"]:
    """Linear between measurements, constant before the first and after the last."""
    frames = np.arange(len(world))
    filled = world.copy()
    for point in np.flatnonzero(is_seen.any(0) & ~is_seen.all(0)):
        known = np.flatnonzero(is_seen[:, point])
        for axis in range(3):
            filled[:, point, axis] = np.interp(frames, known, world[known, point, axis])
    return filled
