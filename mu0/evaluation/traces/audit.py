"""One extracted episode of a simulated clip against exact truth.

An episode holds, for every anchor frame, the keypoints that are on screen there, with a persistent track id
(mu0.json). Read along the anchors they are camera-space tracks with visibility, which is what TAPVid-3D
scores. A track starts at the first anchor at which it is visible; from there its true body carries it.

`taught_far_share` counts hidden points as well: of all places that rows of moving points claim, seen or not,
the share that is farther than `FAR_M` from the truth. A model that learns from the episode learns these, too.

Only moving tracks are stored in an episode, so "static" rows here are tracks that were kept by mistake.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.episodes.read import Episode
from mu0.evaluation.traces.track_metrics import (
    NOBODY,
    carry_with_bodies,
    distance_errors,
    far_share,
    tapvid3d,
    visible_by_depth,
)
from mu0.geometry.camera import unproject
from mu0.geometry.rigid import apply, invert

NEAR_M = 0.02  # a keypoint farther than this from every visible true point is not audited
MOVES_M = 0.02
FAR_M = 0.05


@dataclass(frozen=True)
class Truth:
    """Exact tracks and cameras of a simulated clip."""

    points_world: Float[np.ndarray, "t n 3"]
    visible: Bool[np.ndarray, "t n"]
    camera_from_world: Float[np.ndarray, "t 4 4"]
    intrinsics: Float[np.ndarray, "3 3"]


@dataclass(frozen=True)
class CameraTracks:
    """Tracks of an episode in the camera of each frame; NaN where the episode has no row."""

    position: Float[np.ndarray, "t n 3"]
    visible: Bool[np.ndarray, "t n"]
    start: Int[np.ndarray, " n"]


def camera_tracks(episode: Episode) -> CameraTracks | None:
    """Read an episode along its anchors; None without samples, metres or track ids."""
    samples, retiming = episode.samples, episode.sidecar.retiming
    if samples is None or retiming is None or not episode.sidecar.is_3d:
        return None
    tracks, column = np.unique(retiming.track_ids, return_inverse=True)
    position = np.full((episode.n_frames, len(tracks), 3), np.nan)
    visible = np.zeros(position.shape[:2], bool)
    for slot, frame in enumerate(samples.frame_indices):
        rows = samples.rows(slot)
        trace = np.asarray(samples.raw_traj[rows, 0], np.float64)
        position[frame, column[rows]] = unproject(trace, episode.intrinsics[frame].astype(np.float64))
        visible[frame, column[rows]] = np.asarray(samples.visibs[rows]) > 0.5
    seen = visible.any(0)
    return CameraTracks(position[:, seen], visible[:, seen], visible[:, seen].argmax(0))


def audit_episode(episode: Episode, truth: Truth) -> dict[str, object]:
    """Scores and errors of one episode; NaN where nothing could be compared."""
    name = {"episode_id": episode.sidecar.episode_id, "source": episode.sidecar.source}
    tracks = camera_tracks(episode)
    if tracks is None or episode.depth is None or episode.samples is None:
        return {**name, "n_tracks": 0, "n_audited": 0}
    camera = truth.camera_from_world.astype(np.float64)
    index = np.arange(len(tracks.start))
    world_from_camera = invert(camera)
    chosen = np.stack(
        [apply(world_from_camera[f], tracks.position[f, i]) for f, i in zip(tracks.start, index, strict=True)]
    )
    carried, body = carry_with_bodies(chosen, tracks.start, truth.points_world, truth.visible, NEAR_M)
    expected = np.stack([apply(pose, points) for pose, points in zip(camera, carried, strict=True)])
    is_audited = body != NOBODY
    is_anchor = np.isin(np.arange(len(expected)), episode.samples.frame_indices)
    use = is_anchor[:, None] & is_audited
    use[tracks.start, index] = False
    depth_m = np.asarray(episode.depth, np.float32)
    truly_visible = visible_by_depth(expected, depth_m, truth.intrinsics) & is_audited
    focal_px = float(np.sqrt(truth.intrinsics[0, 0] * truth.intrinsics[1, 1]))
    scores = tapvid3d(tracks.position, tracks.visible, expected, truly_visible, use, focal_px)
    moves = np.zeros(len(body), bool)
    travel = np.linalg.norm(carried[:, is_audited] - carried[:1, is_audited], axis=-1)
    moves[is_audited] = travel.max(0) > MOVES_M
    compared = use & truly_visible & tracks.visible
    n_truly_visible = int((use & truly_visible).sum())
    moving = distance_errors(tracks.position, expected, compared & moves)
    still = distance_errors(tracks.position, expected, compared & ~moves)
    taught = use & moves & np.isfinite(tracks.position).all(axis=-1)
    return {
        **name,
        "n_tracks": len(body),
        "n_audited": int(is_audited.sum()),
        "n_falsely_moving": int((is_audited & ~moves).sum()),
        "average_points_within_distance": scores.average_points_within_distance,
        "average_jaccard": scores.average_jaccard,
        "occlusion_accuracy": scores.occlusion_accuracy,
        "recall": int(compared.sum()) / n_truly_visible if n_truly_visible else float("nan"),
        **{f"moving_{key}": value for key, value in moving.items()},
        **{f"static_{key}": value for key, value in still.items()},
        "taught_far_share": far_share(tracks.position, expected, taught, FAR_M),
    }
