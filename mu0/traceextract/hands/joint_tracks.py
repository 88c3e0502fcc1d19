"""The joints of hands as tracks: 21 for every run of frames in which a hand lives.

A run is a life (`WorldTracks.lives`) that holds its first frame, where its joints are chosen. A joint is seen
where its hand was recognised, the joint lies in the image and, with depth, its hand has a place in metres. It
moves by the rule of all points: it gets around farther than the threshold, without the camera's motion.
Confidence is the landmarker's score, which nobody calibrated, and half of it in bridged frames.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from mu0.episodes.stream import FrameArray
from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.hands.identity import Hands
from mu0.traceextract.hands.joint_depth import joint_depth
from mu0.traceextract.pixels.assembly_2d import without_camera
from mu0.traceextract.tracking.displacement import displacement
from mu0.traceextract.tracking.world_tracks import LOOSE, WorldTracks, fill_gaps

N_JOINTS = 21
BRIDGED_SHARE = 0.5


@dataclass(frozen=True)
class Run:
    """Frames of the clip in which one hand lives without a break."""

    number: int
    hand: int
    start: int
    stop: int


def runs_of(hands: Hands) -> list[Run]:
    """All runs, numbered hand by hand."""
    found: list[Run] = []
    for hand, lives in enumerate(hands.lives):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], lives, [False]]).astype(int)))
        found += [
            Run(len(found) + number, hand, int(start), int(stop))
            for number, (start, stop) in enumerate(edges.reshape(-1, 2))
        ]
    return found


@dataclass(frozen=True)
class JointTracks:
    """Joints of the runs in a window, as tracks, and which run and joint each is."""

    tracks: WorldTracks
    run: Int[np.ndarray, " n"]
    joint: Int[np.ndarray, " n"]


def joint_tracks(
    hands: Hands,
    depth: Float32[np.ndarray, "h t 21"],
    frames: slice,
    others: WorldTracks,
    reconstruction: Reconstruction,
    params: ExtractParams,
    size_px: tuple[int, int],
) -> JointTracks:
    """The joints of all runs that live in at least two frames of a window.

    Args:
        hands: Of the clip.
        depth: Of their joints [m]; NaN where unknown, everywhere if the clip has no depth.
        frames: The window.
        others: Its other tracks; they know the camera's motion where there is no depth.
        reconstruction: Of the window.
        params: Movement thresholds.
        size_px: Width and height of the image.
    """
    span = np.arange(frames.start, frames.stop)
    runs = [run for run in runs_of(hands) if min(run.stop, frames.stop) - max(run.start, frames.start) >= 2]
    pixel, seen, lives, confidence, depth_m = _filled(hands, depth, span, runs)
    seen &= (pixel >= 0).all(-1) & (pixel <= np.array(size_px) - 1).all(-1)
    world = None
    if reconstruction.is_3d:
        seen &= np.isfinite(depth_m)
        world, seen = _lifted(pixel, depth_m, lives, seen, reconstruction)
    pixel = fill_gaps(np.concatenate([pixel, pixel[..., :1]], -1), lives)[..., :2]
    start = np.repeat([run.start for run in runs], N_JOINTS).astype(np.int32)
    tracks = WorldTracks(
        points_world=None if world is None else world.astype(np.float32),
        uv_px=pixel.astype(np.float32),
        visible=seen,
        confidence=confidence,
        query_frame=start,
        entity=np.repeat([run.hand for run in runs], N_JOINTS).astype(np.int32),
        is_moving=_moves(pixel, world, seen, others, reconstruction, params, size_px),
        intrinsics=reconstruction.intrinsics,
        camera_from_world=others.camera_from_world,
        pose_source=others.pose_source,
        rides_on=np.full(len(start), LOOSE, np.int32),
        keypoint=np.full(len(start), -1, np.int32),
        lives=lives,
    )
    return JointTracks(
        tracks, np.repeat([run.number for run in runs], N_JOINTS), np.tile(np.arange(N_JOINTS), len(runs))
    )


def _filled(
    hands: Hands, depth: Float32[np.ndarray, "h t 21"], span: Int[np.ndarray, " f"], runs: list[Run]
) -> tuple[
    Float[np.ndarray, "f n 2"],
    Bool[np.ndarray, "f n"],
    Bool[np.ndarray, "f n"],
    Float32[np.ndarray, "f n"],
    Float[np.ndarray, "f n"],
]:
    """Pixels, recognised, lives, confidence and depth [m] of the joints of runs, by frame of a window."""
    n_frames, n_points = len(span), N_JOINTS * len(runs)
    pixel = np.zeros((n_frames, n_points, 2))
    seen, lives = np.zeros((n_frames, n_points), bool), np.zeros((n_frames, n_points), bool)
    confidence, depth_m = np.zeros((n_frames, n_points), np.float32), np.full((n_frames, n_points), np.nan)
    for place, run in enumerate(runs):
        columns = slice(N_JOINTS * place, N_JOINTS * (place + 1))
        here = (span >= run.start) & (span < run.stop)
        lives[:, columns] = here[:, None]
        pixel[here, columns] = hands.landmarks[run.hand, span[here], :, :2]
        seen[here, columns] = hands.is_seen[run.hand, span[here], None]
        score = hands.score[run.hand, span[here]]
        bridged = BRIDGED_SHARE * hands.score[run.hand, run.start : run.stop].max()  # of all windows
        confidence[here, columns] = np.where(score > 0, score, bridged)[:, None]
        depth_m[here, columns] = depth[run.hand, span[here]]
    return pixel, seen, lives, confidence, depth_m


def _lifted(
    pixel: Float[np.ndarray, "t n 2"],
    depth_m: Float[np.ndarray, "t n"],
    lives: Bool[np.ndarray, "t n"],
    seen: Bool[np.ndarray, "t n"],
    reconstruction: Reconstruction,
) -> tuple[Float[np.ndarray, "t n 3"], Bool[np.ndarray, "t n"]]:
    """Places in the world, straight between frames in which a joint's depth is known."""
    intrinsics = reconstruction.intrinsics
    rays = (pixel - intrinsics[:2, 2]) / intrinsics[[0, 1], [0, 1]]
    camera = np.concatenate([rays * depth_m[..., None], depth_m[..., None]], -1)
    world_from_camera = np.linalg.inv(reconstruction.camera_from_world)
    world = camera @ np.swapaxes(world_from_camera[:, :3, :3], 1, 2) + world_from_camera[:, None, :3, 3]
    known = lives & np.isfinite(depth_m)
    world = np.where(known[..., None], world, np.nan)
    return fill_gaps(world, known), seen


def _moves(
    pixel: Float[np.ndarray, "t n 2"],
    world: Float[np.ndarray, "t n 3"] | None,
    seen: Bool[np.ndarray, "t n"],
    others: WorldTracks,
    reconstruction: Reconstruction,
    params: ExtractParams,
    size_px: tuple[int, int],
) -> Bool[np.ndarray, " n"]:
    if world is not None:
        return displacement(world, seen) > params.movement_m + reconstruction.pose_slack_m
    everyone = np.concatenate([others.uv_px.astype(np.float64), pixel], 1)
    everyone_seen = np.concatenate([others.visible, seen], 1)
    rests = np.concatenate([~others.is_moving, np.zeros(pixel.shape[1], bool)])
    steady = without_camera(everyone, everyone_seen, rests)[:, others.n_points :]
    return displacement(steady, seen) > params.movement_share * float(np.hypot(*size_px))


def depth_of(
    hands: Hands, depth_m: Float[FrameArray, "t rows columns"] | None, focal_px: float
) -> tuple[Float32[np.ndarray, "h t 21"], UInt8[np.ndarray, "h t 21"]]:
    """Depth of all joints and where it is from, frame by frame; unknown everywhere without depth images."""
    found = np.full(hands.landmarks.shape[:3], np.nan, np.float32)
    source = np.zeros(hands.landmarks.shape[:3], np.uint8)
    if depth_m is None:
        return found, source
    for hand, frame in np.argwhere(hands.lives):
        image = np.asarray(depth_m[frame], np.float32)[None]
        one = joint_depth(hands.landmarks[hand, frame][None], image, focal_px)
        found[hand, frame], source[hand, frame] = one[0][0], one[1][0]
    return found, source
