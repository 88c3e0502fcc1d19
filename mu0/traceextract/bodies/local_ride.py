"""A second chance for points that no body explains over the whole clip.

A track may begin on a moving thing and slide off it later: along a rim, with a highlight, over a smooth
surface. Over the whole clip it agrees with no body, and its own measurements drift away from the truth.
Around the frame in which the point was chosen it goes with its body, though, and a rigid body needs no more
than that to carry a point. So bodies are asked again, about the measurements near that frame only:

    agreement    nearly all of them are where the body puts the point, the first one above all
    travel       meanwhile the body carries the point farther than noise; all that rests goes along
    see-through  over the whole clip, the camera does not see through the places the body carries it to ...
    surface      ... and sees something right there often enough. A few measurements agree with much;
                 it is depth in all the other frames that vouches for the ride.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.bodies.carrying import Carried, RideSettings, carried_by
from mu0.traceextract.bodies.rigid_groups import MIN_OVERLAP_FRAMES, Body

WINDOW_FRAMES = 4  # before and after the frame of choice
MIN_AGREEMENT = 0.9
MIN_ON_SURFACE = 0.4  # of the looks of the depth camera
MIN_TRAVEL_INLIERS = 1.0  # so far the body must carry the point meanwhile: going along with rest says nothing


def ride_locally(
    world: Float[np.ndarray, "t n 3"],
    is_seen: Bool[np.ndarray, "t n"],
    bodies: list[Body],
    reconstruction: Reconstruction,
    settings: RideSettings,
    query_frame: Int[np.ndarray, " n"],
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, "t n 3"], Float[np.ndarray, "t n"]]:
    """The body that each point goes with around its choice, -1 where there is none; position and gap on it.

    Args:
        world: Measurements [m].
        is_seen: Where there are any.
        bodies: With a pose in every frame.
        reconstruction: Depth and camera path.
        settings: Limits.
        query_frame: When each point was chosen, and measured.
    """
    n_frames, n_points = is_seen.shape
    near = np.abs(np.arange(n_frames)[:, None] - query_frame) <= WINDOW_FRAMES
    used = is_seen & near
    best, number = np.full(n_points, -np.inf), np.full(n_points, -1)
    position, gap_m = np.full(world.shape, np.nan), np.full(is_seen.shape, np.nan)
    for index, body in enumerate(bodies):
        carried = carried_by(body, world, used, reconstruction, settings)
        score = carried.agreement + carried.on_surface
        better = _goes_along(carried, world, used, settings, query_frame) & (score > best + 1e-9)
        best[better], number[better] = score[better], index
        position[:, better], gap_m[:, better] = carried.position[:, better], carried.gap_m[:, better]
    return number, position, gap_m


def _goes_along(
    carried: Carried,
    world: Float[np.ndarray, "t n 3"],
    used: Bool[np.ndarray, "t n"],
    settings: RideSettings,
    query_frame: Int[np.ndarray, " n"],
) -> Bool[np.ndarray, " n"]:
    """The laws of the module text."""
    chosen = query_frame, np.arange(len(query_frame))
    with np.errstate(invalid="ignore"):
        at_home = np.linalg.norm(carried.position[chosen] - world[chosen], axis=-1) < settings.inlier_m
    travel_m = np.linalg.norm(carried.position - carried.position[chosen], axis=-1)
    moves = np.where(used, travel_m, 0).max(0) >= MIN_TRAVEL_INLIERS * settings.inlier_m
    agrees = (carried.agreement >= MIN_AGREEMENT) & (used.sum(0) >= MIN_OVERLAP_FRAMES)
    is_there = (carried.seen_through < settings.max_see_through) & (carried.on_surface >= MIN_ON_SURFACE)
    found: Bool[np.ndarray, " n"] = at_home & moves & agrees & is_there
    return found
