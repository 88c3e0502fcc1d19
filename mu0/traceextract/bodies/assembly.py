"""From pixel tracks to the tracks of an episode: lift, group, ride, filter.

With depth, tracks are lifted into the world, rigid bodies are found among the moving ones (keypoints and
*helpers*: points that only serve to find bodies), and every keypoint rides on the body that explains it.
Keypoints that nothing explains and that were hardly seen are dropped and counted: a wrong trace is worse
than none, and one wrong trace sets the clock of its whole group.

Without depth a track stays a pixel track, and has a life (`assembly_2d`).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import Keypoints, PixelTracks, Reconstruction
from mu0.traceextract.bodies.carrying import RideSettings
from mu0.traceextract.bodies.reacquisition import WholeTracks, ride_bodies
from mu0.traceextract.bodies.resting import find_resting
from mu0.traceextract.bodies.rigid_groups import GroupSettings, find_bodies
from mu0.traceextract.bodies.sliders import find_sliders
from mu0.traceextract.pixels.assembly_2d import PixelSettings, assemble_2d
from mu0.traceextract.tracking.confidence import is_trusted, known_life
from mu0.traceextract.tracking.displacement import displacement, spread
from mu0.traceextract.tracking.lifting import lift, project
from mu0.traceextract.tracking.track_faults import depth_noise_m, find_faults
from mu0.traceextract.tracking.world_tracks import LOOSE, STILL, WorldTracks

MOVER_M = 0.015  # a track that leaves its median place by so much ...
MOVER_FRAMES = 3  # ... in so many frames may found a body
INLIER_SHARE = 0.9  # of a pixel's metric size, added to the noise of depth
DEPTH_NOISE_M = 0.006
SEE_THROUGH_M = 0.025


@dataclass(frozen=True)
class AssemblySettings:
    """Filters of the last step."""

    movement_m: float = 0.02
    min_loose_share: float = 0.6  # of frames in which an unexplained point must have been seen
    drop_unexplained: bool = True  # off only to compare with trackers that drop nothing
    max_bodies: int = 8
    seed: int = 0


def assemble(
    tracks: PixelTracks,
    keypoints: Keypoints,
    n_helpers: int,
    reconstruction: Reconstruction,
    grey: UInt8[np.ndarray, "t h w"],
    params: ExtractParams,
) -> WorldTracks:
    """World tracks where there is depth, pixel tracks otherwise; the last `n_helpers` points have none.

    Args:
        tracks: Of all keypoints.
        keypoints: Where they were chosen.
        n_helpers: Points at the end that only help to find bodies.
        reconstruction: Depth and camera path.
        grey: Luma of every frame.
        params: Movement thresholds and seed.
    """
    if reconstruction.is_3d:
        settings = AssemblySettings(movement_m=params.movement_m, seed=params.seed)
        return assemble_3d(tracks, keypoints, n_helpers, reconstruction, settings)
    assert n_helpers == 0
    return assemble_2d(tracks, keypoints, reconstruction, grey, PixelSettings(params.movement_share))


def assemble_3d(
    tracks: PixelTracks,
    keypoints: Keypoints,
    n_helpers: int,
    reconstruction: Reconstruction,
    settings: AssemblySettings,
) -> WorldTracks:
    """World tracks of the keypoints; the last `n_helpers` points only help to find bodies."""
    assert reconstruction.depth_m is not None
    poses, intrinsics = reconstruction.camera_from_world, reconstruction.intrinsics
    world, is_seen = lift(tracks, reconstruction.depth_m, intrinsics, poses)
    noise_m, pixel_m = depth_noise_m(reconstruction.depth_m), _pixel_m(reconstruction)
    faults = find_faults(world, is_seen, keypoints.frame, noise_m, pixel_m)
    is_seen = faults.is_sound
    world = np.where(is_seen[..., None], world, np.nan)
    is_helper = np.arange(len(keypoints.frame)) >= len(keypoints.frame) - n_helpers
    has_start = is_seen[keypoints.frame, np.arange(len(keypoints.frame))]
    dropped = {"no_depth": int((~has_start & ~is_helper).sum())}
    inlier_m = float(np.clip(DEPTH_NOISE_M + INLIER_SHARE * pixel_m, 0.006, 0.03))
    groups = GroupSettings(inlier_m=inlier_m, max_bodies=settings.max_bodies)
    leaves = _leaves_its_place(world, is_seen, MOVER_M + reconstruction.pose_slack_m)
    movers = keypoints.on_mover & has_start & leaves
    bodies = find_bodies(world, is_seen, movers, groups, settings.seed)
    keep = has_start & ~is_helper
    world, is_seen, points, pixel = world[:, keep], is_seen[:, keep], keypoints[keep], tracks.pixel[:, keep]
    rides = RideSettings(inlier_m, see_through_m=SEE_THROUGH_M + reconstruction.pose_slack_m)
    whole = ride_bodies(world, is_seen, bodies, reconstruction, rides, points.frame)
    is_moving, untrusted, unexplained, slides = _judged(whole, is_seen, points, reconstruction, settings)
    dropped |= {"unexplained": int(unexplained.sum()), "slides": int(slides.sum())}
    stays = (whole.rides_on == STILL) & (is_seen.sum(0) > 1)
    uv, _ = project(whole.points_world, intrinsics, poses)
    off_px = np.linalg.norm(uv - pixel, axis=-1)[whole.is_measured]
    kept = ~(unexplained | slides)
    rests = find_resting(whole, world, is_seen, reconstruction, settings.movement_m)
    entity = np.where(whole.rides_on > STILL, whole.rides_on, 1 + len(bodies) + points.entity)
    return WorldTracks(
        points_world=whole.points_world[:, kept].astype(np.float32),
        uv_px=uv[:, kept].astype(np.float32),
        visible=whole.visible[:, kept],
        confidence=whole.confidence[:, kept].astype(np.float32),
        query_frame=points.frame[kept].astype(np.int32),
        entity=entity[kept].astype(np.int32),
        is_moving=is_moving[kept],
        intrinsics=intrinsics,
        camera_from_world=poses,
        pose_source=reconstruction.pose_source,
        residuals={
            "median_reprojection_error_px": _median(off_px),
            "static_jitter_m": _median(spread(world, is_seen)[stays]),
            "depth_noise_m": noise_m,
            **reconstruction.pose_report,
            **faults.report(keep),
        },
        dropped=dropped,
        keypoint=np.flatnonzero(keep)[kept].astype(np.int32),
        rides_on=whole.rides_on[kept].astype(np.int32),
        lives=known_life(whole.confidence[:, kept]),
        rests=rests[kept],
        untrusted=untrusted[kept],
    )


def _judged(
    whole: WholeTracks,
    is_seen: Bool[np.ndarray, "t n"],
    points: Keypoints,
    reconstruction: Reconstruction,
    settings: AssemblySettings,
) -> tuple[Bool[np.ndarray, " n"], Bool[np.ndarray, " n"], Bool[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Points that move; seem to, but are not trusted; and those to drop: unexplained ones, and sliders."""
    rarely_seen = is_seen.mean(0) < settings.min_loose_share
    unexplained = (whole.rides_on == LOOSE) & (rarely_seen | ~points.on_mover) & settings.drop_unexplained
    extent = displacement(whole.points_world, whole.visible)
    is_moving = (whole.rides_on != STILL) & (extent > settings.movement_m + reconstruction.pose_slack_m)
    slides = find_sliders(whole, is_moving & ~unexplained, reconstruction)
    is_moving &= ~slides
    is_sure = is_trusted(whole.confidence)
    return is_moving & is_sure, is_moving & ~is_sure, unexplained, slides & settings.drop_unexplained


def _pixel_m(reconstruction: Reconstruction) -> float:
    """Width of a pixel at the median depth."""
    depth = reconstruction.depth_m
    assert depth is not None
    sample = depth[:: max(1, len(depth) // 8), ::4, ::4]
    return float(np.median(sample[sample > 0])) / float(reconstruction.intrinsics[0, 0])


def _leaves_its_place(
    world: Float[np.ndarray, "t n 3"], is_seen: Bool[np.ndarray, "t n"], limit_m: float
) -> Bool[np.ndarray, " n"]:
    """Tracks measured away from their median place in several frames."""
    place = np.zeros(world.shape[1:])
    seen = is_seen.any(0)
    place[seen] = np.nanmedian(world[:, seen], axis=0)
    with np.errstate(invalid="ignore"):
        away: Bool[np.ndarray, "t n"] = np.linalg.norm(world - place, axis=-1) > limit_m
    return away.sum(0) >= MOVER_FRAMES


def _median(values: Float[np.ndarray, " n"] | Int[np.ndarray, " n"]) -> float:
    return float(np.median(values)) if len(values) else float("nan")
