"""Mode `traceforge`: from every query frame a 20 x 20 grid of points, followed forward, static ones kept.

    query frame t  ->  400 grid points, borders included
                   ->  followed through the frames t .. t + future_len - 1, with the engine's own backends
                   ->  all steps through the camera of frame t
                   ->  re-timed together by speed (`mu0.geometry.traceforge`)

A grid has no holes: a point that was lost on something that moves is carried by the body beside it
(`grid_fill`); one that nothing explains, that has no depth where it starts or passes behind the camera
stays where it was, with confidence 0 and the flag "does not move". The quality row counts these. Every point
starts exactly in its grid position.

Source
    reference/traceextract.md §7.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int, Int32

from mu0.geometry.arc_length import Retargeted
from mu0.geometry.camera import unproject
from mu0.geometry.rigid import apply, invert
from mu0.geometry.traceforge import (
    N_GRID_POINTS,
    grid_points,
    retarget_by_speed,
    through_camera,
)
from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import Footage, Keypoints, Reconstruction
from mu0.traceextract.backends.registry import load_point_tracker
from mu0.traceextract.bodies.assembly import assemble
from mu0.traceextract.keypoints.placement import choose_helpers, query_frames
from mu0.traceextract.traceforge.grid_fill import carry_by_neighbours
from mu0.traceextract.tracking.own_motion import flow_motion
from mu0.traceextract.tracking.witnesses import call_witnesses, moved_mask
from mu0.traceextract.tracking.world_tracks import STILL, WorldTracks

HELPER_EVERY_S = 1.0
N_SUPPORT = 2 * 16**2  # TAPIP3D's support grid; here points on movers that help to find rigid bodies
MIN_DEPTH_M = 0.01
MAX_PX = 30_000.0  # far below the largest float16
MIN_FRAMES = 2
CARRIED_CONFIDENCE = 0.5
MIN_LIFE_SHARE = 0.35  # of the window; a grid has no masks


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
    tracks, on_mover = _follow(view, scene, grid, params)
    if scene.is_3d:
        lifted = _in_world(tracks, scene, grid, on_mover, params.movement_m + scene.pose_slack_m)
    else:
        lifted = _in_pixels(tracks, grid)
    traces, is_lost = _sane(lifted.traces, is_3d=scene.is_3d)
    retargeted = retarget_by_speed(
        traces if scene.is_3d else traces[..., :2],
        params.future_len,
        step=params.arc_step,
        top_fraction=params.arc_top_fraction,
    )
    is_held = lifted.is_held | is_lost
    visible = _spread(tracks.visible, tracks) & ~is_held
    visible[0] |= lifted.is_carried
    confidence = np.where(lifted.is_carried, CARRIED_CONFIDENCE, _spread(tracks.confidence[:1], tracks)[0])
    entity = np.arange(N_GRID_POINTS, dtype=np.int32)
    found, at = _grid_rows(tracks)
    entity[found] = tracks.entity[at]
    return GridTraces(
        raw=traces,
        retargeted=retargeted,
        visible=visible,
        confidence=np.where(is_held, 0, confidence).astype(np.float32),
        entity=entity,
        is_moving=lifted.is_moving & ~is_held,
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
        fine=None if footage.fine is None else footage.fine[frames],
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
) -> tuple[WorldTracks, Bool[np.ndarray, " n"]]:
    """The tracks that the engine vouches for, and which grid points begin on something that moves.

    `keypoint` says which grid points they are; numbers from 400 on are helpers.
    """
    _, flow_moves = flow_motion(view, scene, 0)
    moves = moved_mask(scene, 0, flow_moves, call_witnesses(scene))
    column, row = np.rint(grid).astype(int).T
    points = Keypoints(np.zeros(len(grid), int), grid, np.arange(len(grid)), moves[row, column])
    helpers = points[np.zeros(len(grid), bool)]
    if scene.is_3d:
        frames = query_frames(len(view.frames), view.fps_hz, HELPER_EVERY_S)
        helpers = choose_helpers(view, scene, frames, N_SUPPORT)
    everyone = points.joined(helpers)
    tracker = load_point_tracker(params.tracker, params.learned)
    pixel_tracks = tracker.track(view, scene, everyone)
    tracks = assemble(pixel_tracks, everyone, 0, scene, view.grey, params)
    assert tracks.keypoint is not None
    return tracks, points.on_mover


@dataclass(frozen=True)
class _Lifted:
    """Traces of the grid: which of them move, which were carried by neighbours, and which are held."""

    traces: Float64[np.ndarray, "n t 3"]
    is_moving: Bool[np.ndarray, " n"]
    is_carried: Bool[np.ndarray, " n"]
    is_held: Bool[np.ndarray, " n"]


def _in_pixels(tracks: WorldTracks, grid: Float32[np.ndarray, "n 2"]) -> _Lifted:
    found, at = _grid_rows(tracks)
    traces = np.zeros((len(grid), tracks.n_frames, 3))
    traces[..., :2] = grid[:, None]
    moved = tracks.uv_px[:, at].astype(np.float64)
    traces[found, :, :2] = (moved + (grid[found] - moved[0])).swapaxes(0, 1)
    is_held = np.ones(len(grid), bool)
    is_held[found] = _short_lived(tracks)[at]
    traces[is_held, :, :2] = grid[is_held, None]
    is_moving = _spread(tracks.is_moving[None], tracks)[0]
    return _Lifted(traces, is_moving, np.zeros(len(grid), bool), is_held)


def _short_lived(tracks: WorldTracks) -> Bool[np.ndarray, " n"]:
    """Tracks that are known in too few frames to stand for the whole window."""
    if tracks.lives is None:
        return np.zeros(tracks.n_points, bool)
    return tracks.lives.mean(0) < MIN_LIFE_SHARE


def _in_world(
    tracks: WorldTracks,
    scene: Reconstruction,
    grid: Float32[np.ndarray, "n 2"],
    on_mover: Bool[np.ndarray, " n"],
    movement_m: float,
) -> _Lifted:
    assert tracks.points_world is not None
    assert tracks.rides_on is not None
    assert scene.depth_m is not None
    found, at = _grid_rows(tracks)
    points = tracks.points_world[:, at].astype(np.float64)
    camera, k = tracks.camera_from_world[0], tracks.intrinsics.astype(np.float64)
    start_z = _nearest_depth(scene.depth_m[0], grid)
    start_z[found] = apply(camera, points[0])[:, 2]
    start_z = np.where(start_z > MIN_DEPTH_M, start_z, 1)
    world = apply(invert(camera), unproject(np.concatenate([grid, start_z[:, None]], -1), k))
    world = np.repeat(world[None], tracks.n_frames, 0)
    world[:, found] += points - points[0]
    is_held, is_carried = np.ones(len(grid), bool), np.zeros(len(grid), bool)
    is_held[found] = False
    asks = is_held.copy()
    asks[found] = tracks.rides_on[at] == STILL
    asked = np.flatnonzero(asks & on_mover)
    carried, has_body = carry_by_neighbours(world[0, asked], tracks, scene)
    world[:, asked[has_body]] = carried[:, has_body]
    is_carried[asked[has_body]] = True
    # what rides on a body is smooth: in a short window, too, it moves if it gets away from its start
    rides = is_carried | (_spread(tracks.rides_on[None], tracks)[0] > STILL)
    gets_away = np.linalg.norm(world - world[0], axis=-1).max(0) > movement_m
    is_moving = np.where(rides, gets_away, _spread(tracks.is_moving[None], tracks)[0])
    traces = through_camera(world, camera, k)
    traces[:, 0, :2] = grid  # to the last digit
    is_held &= ~is_carried
    traces[is_held] = traces[is_held, :1]
    return _Lifted(traces, is_moving, is_carried, is_held)


def _sane(
    traces: Float64[np.ndarray, "n t 3"], *, is_3d: bool
) -> tuple[Float32[np.ndarray, "n t 3"], Bool[np.ndarray, " n"]]:
    """Traces without numbers that no format holds: such points stay where they start."""
    with np.errstate(invalid="ignore"):
        sane = np.isfinite(traces).all((1, 2)) & (np.abs(traces[..., :2]) < MAX_PX).all((1, 2))
        if is_3d:
            sane &= (traces[..., 2] > MIN_DEPTH_M).all(1)
    kept = traces.astype(np.float32)
    kept[~sane] = kept[~sane, :1]
    return kept, ~sane


def _nearest_depth(
    depth_m: Float[np.ndarray, "h w"], pixel: Float32[np.ndarray, "n 2"]
) -> Float64[np.ndarray, " n"]:
    """Depth [m] of the nearest pixel that has any."""
    from scipy.ndimage import distance_transform_edt

    row, column = distance_transform_edt(depth_m <= 0, return_distances=False, return_indices=True)
    x, y = np.rint(pixel).astype(int).T
    nearest: Float64[np.ndarray, " n"] = depth_m[row[y, x], column[y, x]].astype(np.float64)
    return nearest


def _grid_rows(tracks: WorldTracks) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Grid points that were followed, and the tracks they are."""
    assert tracks.keypoint is not None
    at = np.flatnonzero(tracks.keypoint < N_GRID_POINTS)
    return tracks.keypoint[at].astype(int), at


def _spread(values: np.ndarray, tracks: WorldTracks) -> np.ndarray:
    """Columns of the followed points among all grid points; zero for the others."""
    found, at = _grid_rows(tracks)
    spread = np.zeros((len(values), N_GRID_POINTS), values.dtype)
    spread[:, found] = values[:, at]
    return spread
