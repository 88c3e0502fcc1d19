"""What the quality row says about motion: how far, how fast, how shaky the tracks are."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mu0.traceextract.tracking.displacement import displacement
from mu0.traceextract.tracking.world_tracks import WorldTracks


@dataclass(frozen=True)
class Motion:
    """Medians over moving, seen points; None where nothing moves or there is no such unit."""

    jitter_m: float | None = None
    motion_m: float | None = None
    speed_m_s: float | None = None
    motion_px: float | None = None


def motion_of(tracks: WorldTracks, fps_hz: float) -> Motion:
    """Measure the moving points; metres for 3-D tracks, pixels for 2-D ones."""
    if not tracks.is_moving.any():
        return Motion()
    seen = tracks.visible[:, tracks.is_moving]
    if tracks.points_world is None:
        return Motion(motion_px=_middle(displacement(tracks.uv_px[:, tracks.is_moving], seen)))
    points = tracks.points_world[:, tracks.is_moving]
    return Motion(
        jitter_m=_middle(_off_the_middle(points, seen)),
        motion_m=_middle(displacement(points, seen)),
        speed_m_s=_middle(fps_hz * _steps(points, seen)) if fps_hz > 0 else None,
    )


def _steps(points: Float[np.ndarray, "t n d"], seen: Bool[np.ndarray, "t n"]) -> Float[np.ndarray, " k"]:
    """Lengths of all steps between two frames in which a point was seen."""
    return np.linalg.norm(np.diff(points, axis=0), axis=-1)[seen[1:] & seen[:-1]]


def _off_the_middle(
    points: Float[np.ndarray, "t n d"], seen: Bool[np.ndarray, "t n"]
) -> Float[np.ndarray, " k"]:
    """How far seen points are from the middle between their places one frame before and after."""
    off = np.linalg.norm(points[1:-1] - (points[:-2] + points[2:]) / 2, axis=-1)
    return off[seen[2:] & seen[1:-1] & seen[:-2]]


def _middle(values: Float[np.ndarray, " k"]) -> float | None:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else None
