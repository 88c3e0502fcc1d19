"""One row of data/extracted_traces/quality.parquet: what became of one clip."""

from dataclasses import dataclass, field
from typing import Literal

from mu0.traceextract.quality.ledger import Ledger

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
        warning: What to know about a clip that is ok: how much of its motion has no traces
            (`mu0.traceextract.quality.unexplained`); empty if nothing.
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
        fps_hz: Rate of the kept frames.
        n_frames_in: Frames of the video.
        n_points_in: Keypoints that were chosen.
        n_points_out: Tracks that sampling could use.
        n_pairs_in: Anchor frames times the tracks that live there; `n_rows` come out.
        has_depth: The clip has depth.
        has_actions: The clip has robot states and actions.
        has_instruction: The source says what happens.
        intrinsics_source: "data", "calibration", "predicted", "assumed_fov" or "none".
        median_depth_m: Median of the clip's own depth; None where it has none.
        note: What the clip's reader met and did not use, assumed, or doubts (`mu0.sources.clip.info`).
        p90_reprojection_error_px: As the median, if the assembly measured it.
        pose_residual_px: Median residual of the estimated camera path, if there is one.
        moving_jitter_m: Median distance of a moving, seen point from the middle of its neighbours in time.
        median_motion_m: Median extent of the places of a moving point.
        median_speed_m_s: Median speed of moving points while they are seen.
        median_motion_px: As in metres, for 2-D clips, camera motion included.
        mean_confidence: Mean over points and frames.
        n_entities_moving: Entities with at least one moving point.
        residuals: Whatever else tracking and reconstruction measured, by name; those named in
            `mu0.traceextract.quality.table.RESIDUALS` become columns.
        dropped: What was dropped, by level and reason (`mu0.traceextract.quality.ledger`); goes to
            drops.parquet.
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
    fps_hz: float | None = None
    n_frames_in: int = 0
    n_points_in: int = 0
    n_points_out: int = 0
    n_pairs_in: int = 0
    has_depth: bool = False
    has_actions: bool = False
    has_instruction: bool = False
    intrinsics_source: str = "none"
    p90_reprojection_error_px: float | None = None
    pose_residual_px: float | None = None
    moving_jitter_m: float | None = None
    median_motion_m: float | None = None
    median_speed_m_s: float | None = None
    median_motion_px: float | None = None
    mean_confidence: float | None = None
    n_entities_moving: int = 0
    residuals: dict[str, float] = field(default_factory=dict)
    dropped: dict[str, dict[str, int]] = field(default_factory=dict)
    warning: str = ""
    median_depth_m: float | None = None
    note: str = ""

    @property
    def ledgers(self) -> tuple[Ledger, ...]:
        """The ledgers of frames, points and pairs."""
        return (
            Ledger("frame", self.n_frames_in, self.n_frames, self.dropped.get("frame", {})),
            Ledger("point", self.n_points_in, self.n_points_out, self.dropped.get("point", {})),
            Ledger("pair", self.n_pairs_in, self.n_rows, self.dropped.get("pair", {})),
        )
