"""Mode `traceforge`: from every query frame a 20 x 20 grid of points, followed forward, static ones kept.

    query frame t  ->  400 grid points, borders included
                   ->  followed through the frames t .. t + future_len - 1, with the engine's own backends
                   ->  all steps through the camera of frame t
                   ->  re-timed together by speed (`mu0.geometry.traceforge`)

A grid has no holes: a point that cannot be followed (no depth where it starts, lost, behind the camera) stays
where it was, with confidence 0 and the flag "does not move"; the quality row counts these. Every point starts
exactly in its grid position.

Source
    reference/traceextract.md §7.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int32

from mu0.geometry.arc_length import Retargeted
from mu0.geometry.camera import unproject
from mu0.geometry.rigid import apply, invert
from mu0.geometry.traceforge import (
    GRID_SIDE,
    N_GRID_POINTS,
    grid_points,
    retarget_by_speed,
    through_camera,
)
from mu0.params.extract import ExtractParams
from mu0.traceextract.assembly import assemble
from mu0.traceextract.backends.interfaces import Footage, Keypoints, Reconstruction
from mu0.traceextract.backends.registry import load_point_tracker
from mu0.traceextract.descriptors import flow_motion
from mu0.traceextract.keypoints import choose_helpers
from mu0.traceextract.motion import call_witnesses, moved_mask
from mu0.traceextract.tracks import WorldTracks

N_SUPPORT = 16**2  # TAPIP3D's support grid; here points on movers that help to find rigid bodies
MIN_DEPTH_M = 0.01
MAX_PX = 30_000.0  # far below the largest float16
MIN_FRAMES = 2


@dataclass(frozen=True)
class GridTraces:
    """The grid of one query frame.

    Attributes:
        raw: Every frame of the window through the query frame's camera; z = 0 without depth.
        retargeted: The same, re-timed; frames count from the query frame.
        visible: Whether a point was seen.
        confidence: At the query frame.
        entity: Rigid body or patch of each point; numbers hold within this query frame.
        is_moving: Whether it moves in the world.
        is_held: Whether it could not be followed.
        tracks: What the engine found, for the quality row.
    """

    raw: Float32[np.ndarray, "n t 3"]
    retargeted: Retargeted
    visible: Bool[np.ndarray, "t n"]
    confidence: Float32[np.ndarray, " n"]
    entity: Int32[np.ndarray, " n"]
    is_moving: Bool[np.ndarray, " n"]
    is_held: Bool[np.ndarray, " n"]
    tracks: WorldTracks


def query_anchors(reconstruction: Reconstruction, n_frames: int, stride: int) -> list[int]:
    """Frames from which a grid is followed: every `stride`-th with a future, and depth if the clip has."""
    depth_m = reconstruction.depth_m
    anchors = range(0, n_frames - MIN_FRAMES + 1, stride)
    return [anchor for anchor in anchors if depth_m is None or bool((depth_m[anchor] > 0).any())]


def trace_grid(
    footage: Footage, reconstruction: Reconstruction, anchor: int, params: ExtractParams
) -> GridTraces:
    """Follow the grid of one query frame and re-time its traces.

    Args:
        footage: All kept frames.
        reconstruction: Depth and camera path of all of them.
        anchor: Query frame; at least one more follows.
        params: Backends, horizon, re-timing and movement thresholds.
    """
    view, scene = _window(footage, reconstruction, slice(anchor, anchor + params.future_len))
    width, height = footage.image_size_px
    grid = grid_points((height, width))
    tracks = _follow(view, scene, grid, params)
    traces, is_held = _on_the_grid(tracks, scene, grid)
    retargeted = retarget_by_speed(
        traces if scene.is_3d else traces[..., :2],
        params.future_len,
        step=params.arc_step,
        top_fraction=params.arc_top_fraction,
    )
    found = _rows_of(tracks)
    entity = np.arange(N_GRID_POINTS, dtype=np.int32)
    entity[found] = tracks.entity
    return GridTraces(
        raw=traces,
        retargeted=retargeted,
        visible=_spread(tracks.visible, found) & ~is_held,
        confidence=np.where(is_held, 0, _spread(tracks.confidence[:1], found)[0]).astype(np.float32),
        entity=entity,
        is_moving=_spread(tracks.is_moving[None], found)[0] & ~is_held,
        is_held=is_held,
        tracks=tracks,
    )


def _window(
    footage: Footage, reconstruction: Reconstruction, frames: slice
) -> tuple[Footage, Reconstruction]:
    """The frames of a window, in memory."""
    depth, poses = footage.depth_m, footage.camera_from_world
    scene_depth, residual = reconstruction.depth_m, reconstruction.pose_residual_px
    view = replace(
        footage,
        frames=np.asarray(footage.frames[frames]),
        depth_m=None if depth is None else np.asarray(depth[frames]),
        camera_from_world=None if poses is None else poses[frames],
        source_frames=footage.source_frames[frames],
        scratch=None,
    )
    scene = replace(
        reconstruction,
        depth_m=None if scene_depth is None else np.asarray(scene_depth[frames]),
        camera_from_world=reconstruction.camera_from_world[frames],
        pose_residual_px=None if residual is None else residual[frames],
    )
    return view, scene


def _follow(
    view: Footage, scene: Reconstruction, grid: Float32[np.ndarray, "n 2"], params: ExtractParams
) -> WorldTracks:
    """The tracks that the engine vouches for; `keypoint` says which grid points they are."""
    _, flow_moves = flow_motion(view, scene, 0)
    moves = moved_mask(scene, 0, flow_moves, call_witnesses(scene))
    column, row = np.rint(grid).astype(int).T
    points = Keypoints(np.zeros(len(grid), int), grid, np.arange(len(grid)), moves[row, column])
    helpers = points[np.zeros(len(grid), bool)]
    if scene.is_3d:
        helpers = choose_helpers(view, scene, np.zeros(1, int), N_SUPPORT)
    everyone = points.joined(helpers)
    tracker = load_point_tracker(params.tracker, params.learned)
    pixel_tracks = tracker.track(view, scene, everyone)
    return assemble(pixel_tracks, everyone, len(helpers.frame), scene, view.image_size_px, params)


def _on_the_grid(
    tracks: WorldTracks, scene: Reconstruction, grid: Float32[np.ndarray, "n 2"]
) -> tuple[Float32[np.ndarray, "n t 3"], Bool[np.ndarray, " n"]]:
    """Traces of all grid points, each starting in its grid position, and which of them are held there."""
    found, n_frames = _rows_of(tracks), tracks.n_frames
    start_z = np.ones(len(grid))
    if tracks.points_world is None:
        still = np.concatenate([grid, np.zeros((len(grid), 1))], -1)[:, None]
        traces = np.repeat(still, n_frames, 1)
        moved = tracks.uv_px + (grid[found] - tracks.uv_px[0])
        traces[found, :, :2] = moved.swapaxes(0, 1)
    else:
        assert scene.depth_m is not None
        camera, k = tracks.camera_from_world[0], tracks.intrinsics.astype(np.float64)
        start_z[:] = _nearest_depth(scene.depth_m[0], grid)
        start_z[found] = apply(camera, tracks.points_world[0].astype(np.float64))[:, 2]
        start_z = np.where(start_z > MIN_DEPTH_M, start_z, 1)
        start = apply(invert(camera), unproject(np.concatenate([grid, start_z[:, None]], -1), k))
        world = np.repeat(start[None], n_frames, 0)
        world[:, found] += tracks.points_world - tracks.points_world[0]
        traces = through_camera(world, camera, k)
        still = np.concatenate([grid, start_z[:, None]], -1)[:, None]
    is_held = np.ones(len(grid), bool)
    is_held[found] = False
    with np.errstate(invalid="ignore"):
        sane = np.isfinite(traces).all((1, 2)) & (np.abs(traces[..., :2]) < MAX_PX).all((1, 2))
        if tracks.is_3d:
            sane &= (traces[..., 2] > MIN_DEPTH_M).all(1)
    is_held |= ~sane
    traces[is_held] = still[is_held]
    traces[:, 0] = still[:, 0]  # to the last digit
    return traces.astype(np.float32), is_held


def _nearest_depth(
    depth_m: Float[np.ndarray, "h w"], pixel: Float32[np.ndarray, "n 2"]
) -> Float64[np.ndarray, " n"]:
    """Depth [m] of the nearest pixel that has any."""
    from scipy.ndimage import distance_transform_edt

    row, column = distance_transform_edt(depth_m <= 0, return_distances=False, return_indices=True)
    x, y = np.rint(pixel).astype(int).T
    nearest: Float64[np.ndarray, " n"] = depth_m[row[y, x], column[y, x]].astype(np.float64)
    return nearest


def _rows_of(tracks: WorldTracks) -> Int32[np.ndarray, " m"]:
    assert tracks.keypoint is not None
    assert tracks.n_points <= GRID_SIDE**2
    return tracks.keypoint


def _spread(values: np.ndarray, found: Int32[np.ndarray, " m"]) -> np.ndarray:
    """Columns of the found points among all grid points; zero for the others."""
    spread = np.zeros((len(values), N_GRID_POINTS), values.dtype)
    spread[:, found] = values
    return spread
