"""Pixel tracks of a clip without depth: each with its life, without strays, and which of them move.

    tracks --looks alike (`pixel_lives`)--> without what moves alone (`strays`) --> lives
           --> those that move and are corners, and those that rest

A point moves if it leaves the place where the background (a homography between frames) says it should be,
and does what no point of a still scene does (`rigid_scene`): parallax is no motion.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from mu0.traceextract.backends.interfaces import Keypoints, PixelTracks, Reconstruction
from mu0.traceextract.pixels.pixel_lives import (
    REFERENCE_WIDTH_PX,
    LifeSettings,
    PixelLives,
    appearance,
    live,
)
from mu0.traceextract.pixels.rigid_scene import SceneReport, judge_scene
from mu0.traceextract.pixels.strays import StraySettings, alone, corner_ratio
from mu0.traceextract.tracking.confidence import pixel_confidence
from mu0.traceextract.tracking.displacement import displacement
from mu0.traceextract.tracking.world_tracks import LOOSE, WorldTracks, fill_gaps

MIN_BACKGROUND_POINTS = 8
MIN_RADIUS_PX = 3
REST_SHARE = 0.005  # of the image diagonal: pixels that rest get around by less
MIN_SEEN = 8  # frames
RESTING_SHARE = 0.7  # of the points that were chosen on still surfaces


@dataclass(frozen=True)
class PixelSettings:
    """Limits of tracks without depth."""

    movement_share: float = 0.02  # of the image diagonal
    life: LifeSettings = field(default_factory=LifeSettings)
    stray: StraySettings = field(default_factory=StraySettings)


@dataclass(frozen=True)
class Judged:
    """What is known about pixel tracks.

    Attributes:
        tracks: With their lives.
        extent_px: How far each gets around in its life, without the camera's motion.
        is_moving: Those that get around far enough.
        is_dead: Points without a life.
        is_stray: Points that claim to move and slide along an edge or move alone.
        scene: What the still scene and the camera do.
    """

    tracks: PixelLives
    extent_px: Float[np.ndarray, " n"]
    is_moving: Bool[np.ndarray, " n"]
    is_dead: Bool[np.ndarray, " n"]
    is_stray: Bool[np.ndarray, " n"]
    scene: SceneReport


def judge(
    tracks: PixelTracks, keypoints: Keypoints, grey: UInt8[np.ndarray, "t h w"], settings: PixelSettings
) -> Judged:
    """Lives, movers and strays."""
    height, width = grey.shape[1:]
    scale = width / REFERENCE_WIDTH_PX
    radius_px = max(MIN_RADIUS_PX, round(settings.life.patch_radius_px * scale))
    likeness = appearance(grey, tracks, keypoints, radius_px)
    alike = tracks.is_seen & (likeness >= settings.life.min_correlation)
    steady = without_camera(tracks.pixel, alike, ~keypoints.on_mover)
    is_alone, alone_share = alone(steady, alike, scale, settings.stray)
    found = live(
        tracks,
        alike & ~is_alone,
        likeness >= settings.life.end_correlation,
        keypoints.frame,
        width,
        settings.life,
    )
    extent_px = displacement(steady, found.is_seen)
    diagonal_px = float(np.hypot(width, height))
    scene = judge_scene(found.pixel, found.is_seen, diagonal_px, settings.movement_share, ~keypoints.on_mover)
    limit_px = settings.movement_share * diagonal_px
    is_moving = extent_px > limit_px
    if scene.n_pairs and not _background_rests(found, ~keypoints.on_mover, limit_px):
        is_moving &= scene.is_moving
    slides = corner_ratio(grey, keypoints) < settings.stray.min_corner
    return Judged(
        tracks=found,
        extent_px=extent_px,
        is_moving=is_moving,
        is_dead=~found.lives.any(0),
        is_stray=is_moving & (slides | (alone_share > settings.stray.max_alone)),
        scene=scene,
    )


def _background_rests(found: PixelLives, is_background: Bool[np.ndarray, " n"], limit_px: float) -> bool:
    """Whether the camera stands: then what leaves its place moves, however few points do not."""
    asked = is_background & (found.is_seen.sum(0) > 1)
    extent_px = displacement(found.pixel[:, asked], found.is_seen[:, asked])
    enough = int(asked.sum()) >= MIN_BACKGROUND_POINTS
    return enough and float((extent_px < limit_px).mean()) > RESTING_SHARE


def assemble_2d(
    tracks: PixelTracks,
    keypoints: Keypoints,
    reconstruction: Reconstruction,
    grey: UInt8[np.ndarray, "t h w"],
    settings: PixelSettings,
) -> WorldTracks:
    """Pixel tracks within their lives, and which of them move against the background.

    Args:
        tracks: Of all keypoints.
        keypoints: Where they were chosen.
        reconstruction: Intrinsics; there is no camera path.
        grey: Luma of every frame.
        settings: Limits.
    """
    judged = judge(tracks, keypoints, grey, settings)
    keep = ~judged.is_dead & ~judged.is_stray
    found, points = judged.tracks, keypoints[keep]
    pixel, lives, is_seen = found.pixel[:, keep], found.lives[:, keep], found.is_seen[:, keep]
    padded = np.concatenate([pixel, np.zeros_like(pixel[..., :1])], -1)
    n_frames = len(tracks.is_seen)
    return WorldTracks(
        points_world=None,
        uv_px=fill_gaps(padded, lives)[..., :2].astype(np.float32),
        visible=is_seen,
        confidence=np.where(lives, pixel_confidence(is_seen, lives), 0).astype(np.float32),
        query_frame=points.frame.astype(np.int32),
        entity=points.entity.astype(np.int32),
        is_moving=judged.is_moving[keep],
        intrinsics=reconstruction.intrinsics,
        camera_from_world=np.tile(np.eye(4), (n_frames, 1, 1)),
        pose_source="none",
        residuals=judged.scene.residuals(),
        dropped={
            "seen_too_rarely": int(judged.is_dead.sum()),
            "stray": int((judged.is_stray & ~judged.is_dead).sum()),
        },
        keypoint=np.flatnonzero(keep).astype(np.int32),
        rides_on=np.full(int(keep.sum()), LOOSE, np.int32),
        lives=lives,
        rests=_rests(pixel, is_seen, lives, ~judged.is_moving[keep], (grey.shape[1], grey.shape[2])),
    )


def _rests(
    pixel: Float[np.ndarray, "t n 2"],
    is_seen: Bool[np.ndarray, "t n"],
    lives: Bool[np.ndarray, "t n"],
    is_still: Bool[np.ndarray, " n"],
    size_px: tuple[int, int],
) -> Bool[np.ndarray, " n"]:
    """Still points whose pixels rest from the first frame to the last; none if the camera moves."""
    asked = is_still & (is_seen.sum(0) >= MIN_SEEN)
    in_place = asked & (displacement(pixel, is_seen & lives) <= REST_SHARE * float(np.hypot(*size_px)))
    if in_place.sum() <= RESTING_SHARE * asked.sum():
        return np.zeros_like(asked)
    return in_place & lives.all(0)


def without_camera(
    pixel: Float[np.ndarray, "t n 2"],
    is_seen: Bool[np.ndarray, "t n"],
    is_background: Bool[np.ndarray, " n"] | None = None,
) -> Float[np.ndarray, "t n 2"]:
    """Pixels as the first frame would show them if everything were background (chained homographies).

    `is_background` names points that were chosen on still surfaces; the others are asked only where there
    are too few of these.
    """
    first_from_frame = np.eye(3)
    seen_from_first = pixel.astype(np.float64).copy()
    for frame in range(1, len(pixel)):
        both = is_seen[frame - 1] & is_seen[frame]
        if is_background is not None and (both & is_background).sum() >= MIN_BACKGROUND_POINTS:
            both &= is_background
        if both.sum() >= MIN_BACKGROUND_POINTS:
            cv2.setRNGSeed(0)
            step, _ = cv2.findHomography(
                pixel[frame, both].astype(np.float64),
                pixel[frame - 1, both].astype(np.float64),
                cv2.RANSAC,
                1.0,
            )
            if step is not None:
                first_from_frame = first_from_frame @ step
        moved = cv2.perspectiveTransform(pixel[frame][None].astype(np.float64), first_from_frame)
        seen_from_first[frame] = moved[0]
    return seen_from_first
