"""Points on things that rest: what stands out of its surroundings and stays where it is, in depth and colour.

Keypoints go where something moves, and of those that rest hardly one lies on a thing: the mug beside the one
that is taken is left out, so nothing teaches that *this* mug stays. Here such places are found without
following anything: with depth, a place is one pixel of one frame, and every other frame can be asked whether
the same surface is still there.

    stands out   nearer to the camera than its surroundings (a top-hat transform of depth over a fifth of the
                 picture's width)
    thing        a connected region of what stands out, whole in the picture; the smallest first, a few
                 points on each
    rests        in nearly all frames that see the place, depth and colour are the same; hardly any frame
                 sees past it

Things are looked for in small pictures, and few places are asked about (`MOST_PLACES`): large pictures cost
little.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32

from mu0.episodes.resting import FIRST_THING
from mu0.traceextract.backends.interfaces import Footage, Reconstruction
from mu0.traceextract.bodies.carrying import measured_minus_predicted
from mu0.traceextract.samples.farthest import farthest
from mu0.traceextract.tracking.lifting import project, sample_depth

SMALL_WIDTH_PX = 128
SURROUNDINGS_SHARE = 0.2  # of the width
STANDS_OUT_M = 0.015
SMALLEST_PX, LARGEST_SHARE = 8, 0.05  # of a thing, in the small picture
POINTS_PER_THING = 5
MOST_PLACES = 1000  # of one frame, asked about in all frames; evenly fewer where there are more
SAME_M, SEE_THROUGH_M = 0.02, 0.025
SAME_COLOUR = 14.0  # distance in CIE Lab
MIN_SEEN = 8  # frames
MIN_SAME = 0.9  # of the frames whose depth agrees
MAX_SEE_THROUGH = 0.02  # of the frames that look at the place
NUMBERS_PER_FRAME = 256  # more than the budget
RIM = np.ones((3, 3), np.uint8)
TAKEN_M = 0.015  # a thing with a point so near is known


@dataclass(frozen=True)
class StillThings:
    """Places that rest, of one window.

    Attributes:
        points_world: Where they are [m].
        visible: The frames whose depth and colour show them.
        thing: Number of the thing in the clip.
        number: Of the place in the clip.
        confidence: Share of the frames with something there that show the same colour.
    """

    points_world: Float32[np.ndarray, "n 3"]
    visible: Bool[np.ndarray, "t n"]
    thing: Int32[np.ndarray, " n"]
    number: Int32[np.ndarray, " n"]
    confidence: Float32[np.ndarray, " n"]


def find_still_things(
    view: tuple[Footage, Reconstruction], core: slice, budget: int, start: int = 0
) -> StillThings | None:
    """At most `budget` places on things that rest in a window; None without depth, or if there are none.

    Args:
        view: Frames, depth and cameras of the window.
        core: Frames of the window in whose first and middle things are looked for.
        budget: Of places.
        start: First frame of the window in the clip.
    """
    footage, reconstruction = view
    if reconstruction.depth_m is None or budget <= 0:
        return None
    colours = [_small_colours(frame) for frame in footage.frames]
    parts: list[tuple[np.ndarray, ...]] = []
    points = np.zeros((0, 3))
    for frame in sorted({core.start, (core.start + core.stop) // 2}):
        world, owner = _places(colours[frame], reconstruction, frame)
        is_new = ~np.isin(owner, owner[_distance_m(world, points) < TAKEN_M])
        world, owner = world[is_new], owner[is_new]
        shown = _shows(world, frame, colours, reconstruction)
        rests = np.flatnonzero(_rests(shown))
        kept = rests[_few_per_thing(world[rests], owner[rests], budget - len(points))]
        thing = np.unique(owner[kept], return_inverse=True)[1] + len(points)
        parts.append((world[kept], shown.same[:, kept].T, thing, shown.agreement[kept]))
        points = np.concatenate([points, world[kept]])
    if len(points) == 0:
        return None
    _, visible, thing, confidence = (np.concatenate(column) for column in zip(*parts, strict=True))
    first = FIRST_THING + NUMBERS_PER_FRAME * start
    return StillThings(
        points_world=points.astype(np.float32),
        visible=visible.T,
        thing=(first + thing).astype(np.int32),
        number=(first + np.arange(len(points))).astype(np.int32),
        confidence=confidence.astype(np.float32),
    )


def _distance_m(world: Float[np.ndarray, "n 3"], points: Float[np.ndarray, "k 3"]) -> Float[np.ndarray, " n"]:
    """To the nearest of some points."""
    return np.linalg.norm(world[:, None] - points[None], axis=-1).min(1, initial=np.inf)


@dataclass(frozen=True)
class _Shown:
    """What every frame has to say about every place."""

    looked: Bool[np.ndarray, "t n"]  # it sees the place or past it
    past: Bool[np.ndarray, "t n"]  # past it: nothing is there
    there: Bool[np.ndarray, "t n"]  # something is exactly there ...
    same: Bool[np.ndarray, "t n"]  # ... and has its colour

    @property
    def agreement(self) -> Float[np.ndarray, " n"]:
        """Share of the frames with something there that show its colour."""
        return self.same.sum(0) / np.maximum(self.there.sum(0), 1)


def _small_colours(frame: np.ndarray) -> Float32[np.ndarray, "h w 3"]:
    """CIE Lab of the picture, small."""
    height, width = frame.shape[:2]
    size = (SMALL_WIDTH_PX, max(1, round(height * SMALL_WIDTH_PX / width)))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return cv2.cvtColor(cv2.GaussianBlur(small, (3, 3), 0), cv2.COLOR_RGB2LAB)


def _places(
    colours: Float32[np.ndarray, "h w 3"], reconstruction: Reconstruction, frame: int
) -> tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, " n"]]:
    """Pixels of what stands out in one frame, in the world, and the region that each belongs to."""
    assert reconstruction.depth_m is not None
    full = reconstruction.depth_m[frame].astype(np.float32)
    size = colours.shape[1::-1]
    depth_m = cv2.resize(full, size, interpolation=cv2.INTER_NEAREST_EXACT)
    around = np.ones((round(SURROUNDINGS_SHARE * size[0]) | 1,) * 2, np.uint8)
    known_m = np.where(depth_m > 0, depth_m, depth_m.max())
    relief_m = cv2.morphologyEx(known_m, cv2.MORPH_CLOSE, around) - known_m
    stands_out = ((relief_m > STANDS_OUT_M) & (depth_m > 0)).astype(np.uint8)
    n_regions, region, facts, _ = cv2.connectedComponentsWithStats(stands_out, connectivity=4)
    left, top, width, height, area = facts.T
    is_thing = (area >= SMALLEST_PX) & (area <= LARGEST_SHARE * region.size)
    is_thing &= (left > 0) & (top > 0) & (left + width < size[0]) & (top + height < size[1])
    is_thing[0] = False
    rank = np.zeros(n_regions, int)
    rank[np.argsort(area, kind="stable")] = np.arange(n_regions)
    inside = cv2.erode(stands_out, RIM).astype(bool)
    row, column = np.nonzero(is_thing[region] & inside)
    every = max(1, -(-len(row) // MOST_PLACES))
    row, column = row[::every], column[::every]
    scale = np.array(full.shape[::-1]) / np.array(size)
    pixel = (np.stack([column, row], 1) + 0.5) * scale - 0.5
    z_m = sample_depth(full, pixel)
    has_depth = z_m > 0
    pixel, z_m, owner = pixel[has_depth], z_m[has_depth], rank[region[row, column]][has_depth]
    focal, centre = reconstruction.intrinsics[[0, 1], [0, 1]], reconstruction.intrinsics[:2, 2]
    camera = np.concatenate([(pixel - centre) / focal * z_m[:, None], z_m[:, None]], 1)
    world_from_camera = np.linalg.inv(reconstruction.camera_from_world[frame])
    return camera @ world_from_camera[:3, :3].T + world_from_camera[:3, 3], owner


def _shows(
    world: Float[np.ndarray, "n 3"],
    frame: int,
    colours: list[Float32[np.ndarray, "h w 3"]],
    reconstruction: Reconstruction,
) -> _Shown:
    points = np.broadcast_to(world, (len(colours), *world.shape))
    gap_m = measured_minus_predicted(points, reconstruction)
    slack_m = reconstruction.pose_slack_m
    with np.errstate(invalid="ignore"):
        there = np.abs(gap_m) < SAME_M + slack_m
        past = gap_m > SEE_THROUGH_M + slack_m
    assert reconstruction.depth_m is not None
    height, width = reconstruction.depth_m.shape[1:]
    pixel, _ = project(points, reconstruction.intrinsics, reconstruction.camera_from_world)
    scale = np.array(colours[0].shape[1::-1]) / np.array([width, height])
    place = np.nan_to_num((pixel + 0.5) * scale - 0.5).round().astype(int)
    place = place.clip(0, np.array(colours[0].shape[1::-1]) - 1)
    colour = np.stack([one[at[:, 1], at[:, 0]] for one, at in zip(colours, place, strict=True)])
    alike = np.linalg.norm(colour - colour[frame], axis=-1) < SAME_COLOUR
    return _Shown(there | past, past, there, there & alike)


def _rests(shown: _Shown) -> Bool[np.ndarray, " n"]:
    is_seen = shown.same.sum(0) >= np.minimum(MIN_SEEN, len(shown.same))
    stays = shown.past.sum(0) <= MAX_SEE_THROUGH * shown.looked.sum(0)
    return is_seen & stays & (shown.agreement >= MIN_SAME)


def _few_per_thing(
    world: Float[np.ndarray, "n 3"], owner: Int[np.ndarray, " n"], budget: int
) -> Int[np.ndarray, " k"]:
    """Up to `POINTS_PER_THING` places of each thing, far from each other; small things first."""
    kept: list[int] = []
    for thing in np.unique(owner):
        mine = np.flatnonzero(owner == thing)
        room = min(POINTS_PER_THING, budget - len(kept))
        if room <= 0:
            break
        kept += mine[farthest(world[mine], room)].tolist()
    return np.array(kept, int)
