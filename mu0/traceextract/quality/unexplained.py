"""Does something move that no trace follows? What a clip without depth says about that.

In some frames, optical flow tells which pixels move by themselves (`descriptors.flow_motion`). Those with a
living, seen, moving point in their patch or the next one are *explained*. A clip of which much is not is no
failure, for the traces that it has may be good; but they are not all, and its quality row says so.

    explained_motion_share   moving pixels that are explained, of all moving pixels of all frames asked
    moving_picture_share     moving pixels of all pixels
"""

import numpy as np

from mu0.traceextract.backends.interfaces import Footage, Reconstruction
from mu0.traceextract.keypoints.coverage import GRID, covered_patches
from mu0.traceextract.tracking.own_motion import flow_motion
from mu0.traceextract.tracking.world_tracks import WorldTracks

N_ASKED = 12  # frames, evenly over the clip
MIN_EXPLAINED = 0.5
MIN_MOVING = 0.002  # of the picture: less is noise of flow
MIN_CONFIDENCE = 0.7
MAX_CAMERA_MOVES = 0.1  # of the pairs of frames: flow beyond a homography means motion only below
DOUBT = (
    "the camera moves, and which points move by themselves is doubtful "
    "(`mu0.traceextract.pixels.rigid_scene`)"
)


def unexplained_motion(
    footage: Footage, reconstruction: Reconstruction, tracks: WorldTracks
) -> dict[str, float]:
    """The two shares of the module text; nothing for clips with depth, whose motion is measured in metres."""
    if tracks.is_3d:
        return {}
    width, height = footage.image_size_px
    n_moving, n_explained = 0, 0
    frames = np.unique(np.linspace(0, len(footage.frames) - 1, N_ASKED).round().astype(int))
    row, column = (np.arange(size) * GRID // size for size in (height, width))
    for frame in frames:
        _, moves = flow_motion(footage, reconstruction, int(frame))
        seen = tracks.visible[frame] & tracks.is_moving
        covered = covered_patches(tracks.uv_px[frame], seen, (width, height), (GRID, GRID))
        n_moving += int(moves.sum())
        n_explained += int((moves & covered[row[:, None], column]).sum())
    return {
        "explained_motion_share": n_explained / n_moving if n_moving else 1.0,
        "moving_picture_share": n_moving / (len(frames) * width * height),
    }


def warning_of(tracks: WorldTracks) -> str:
    """What a reader of an "ok" should know, in words; empty if nothing."""
    if tracks.is_3d:
        return ""
    found = []
    if tracks.residuals.get("motion_doubtful", 0.0) > 0:
        found.append(DOUBT)
    if not tracks.is_moving.any():
        return "; ".join(found)
    explained = tracks.residuals.get("explained_motion_share", 1.0)
    camera_stands = tracks.residuals.get("camera_moves_share", 0.0) < MAX_CAMERA_MOVES  # else it is parallax
    moves = camera_stands and tracks.residuals.get("moving_picture_share", 0.0) > MIN_MOVING
    if explained < MIN_EXPLAINED and moves:
        found.append(f"traces follow only {explained:.0%} of what moves in the picture")
    movers = tracks.is_moving if tracks.lives is None else tracks.is_moving & tracks.lives
    trust = float(tracks.confidence[np.broadcast_to(movers, tracks.confidence.shape)].mean())
    if trust < MIN_CONFIDENCE:
        found.append(f"moving points are trusted with {trust:.2f} only")
    return "; ".join(found)
