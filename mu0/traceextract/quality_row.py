"""One row of data/extracted_traces/quality.parquet: what became of one clip."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "failed", "rejected"]


@dataclass(frozen=True)
class QualityRow:
    """The verdict on one clip and the numbers behind it.

    Numbers are None where nothing was measured (a failed clip, a 2-D clip's depth).

    Attributes:
        clip_id: Clip folder name.
        source: Source name, the folder above it.
        scene_id: Clips with equal values show the same scene; splits never cut a scene.
        embodiment: "ur3", "human_hand" or "unknown".
        simulated: True for clips of our own simulator.
        status: "ok" becomes an episode; "rejected" was measured and found wanting; "failed" broke.
        reason: Why it is not ok, in a sentence; empty otherwise.
        n_frames: Kept frames.
        n_slots: Anchor frames that own rows.
        n_rows: Sample rows over all anchors.
        is_3d: False for pixel-only traces.
        pose_source: "given", "odometry" or "none".
        coverage: Mean share of a 16x16 grid that visible points cover, 0 to 1.
        median_reprojection_error_px: World tracks against their own pixels.
        static_jitter_m: Median spread of points that do not move.
        visible_share: Visible (frame, point) pairs over all.
        moving_share: Moving points over all.
        n_points_total: Tracked points.
        n_points_moving: Tracked points that move.
        licence: Licence of the video.
        seconds_per_frame: Wall time; goes to reports/extraction/metrics.json only, for it differs every time.
    """

    clip_id: str
    source: str
    scene_id: str
    embodiment: str
    simulated: bool
    status: Status
    reason: str = ""
    n_frames: int = 0
    n_slots: int = 0
    n_rows: int = 0
    is_3d: bool = False
    pose_source: str = "none"
    coverage: float | None = None
    median_reprojection_error_px: float | None = None
    static_jitter_m: float | None = None
    visible_share: float | None = None
    moving_share: float | None = None
    n_points_total: int = 0
    n_points_moving: int = 0
    licence: str = ""
    seconds_per_frame: float | None = None
