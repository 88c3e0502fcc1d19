"""A box on a table before a toy camera, cast by hand: depth, a perfect map of it, and the moment."""

from dataclasses import replace

import numpy as np

from mu0.geometry.rigid import apply, invert
from mu0.model.grounding import Grounding
from mu0.trace_policy.asking import make_moment
from mu0.trace_policy.sources import Moment
from mu0.trace_policy.ur3 import ur3_embodiment
from mu0.trace_policy.view import CalibratedView
from tests.mu0.trace_policy.toy_world import ToyWorld

SIDE_PX, SIDE_CELLS = 256, 64


def depth_of(view: CalibratedView, low_m: np.ndarray, high_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rays cast at a table at height 0 and a box: depth, and which pixels show the box."""
    column, row = np.meshgrid(np.arange(SIDE_PX), np.arange(SIDE_PX))
    focal, centre = view.intrinsics[[0, 1], [0, 1]], view.intrinsics[:2, 2]
    rays = np.stack(
        [(column - centre[0]) / focal[0], (row - centre[1]) / focal[1], np.ones((SIDE_PX, SIDE_PX))], axis=-1
    )
    towards = apply(invert(view.camera_from_base), rays.reshape(-1, 3)) - view.eye_m
    with np.errstate(divide="ignore"):
        table = np.where(towards[:, 2] < 0, -view.eye_m[2] / towards[:, 2], 9.0)
        sides = np.stack([(low_m - view.eye_m) / towards, (high_m - view.eye_m) / towards])
    enters, leaves = sides.min(0).max(1), sides.max(0).min(1)
    hits = (enters < leaves) & (enters > 0)
    return np.where(hits, enters, table).reshape(SIDE_PX, SIDE_PX), hits.reshape(SIDE_PX, SIDE_PX)


def found_in(hits: np.ndarray) -> Grounding:
    """What a perfect map says."""
    cell = SIDE_PX // SIDE_CELLS
    heat = hits.reshape(SIDE_CELLS, cell, SIDE_CELLS, cell).mean((1, 3))
    row, column = np.nonzero(hits)
    return Grounding(heat, np.array([column.mean(), row.mean()]), np.zeros((1, 2)), None, float(heat.max()))


def moment_of(world: ToyWorld, view: CalibratedView, depth_m: np.ndarray | None) -> Moment:
    image = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    observation = replace(world.observe(), image=image, depth_m=depth_m)
    return make_moment(observation, view, world.tool(), ur3_embodiment(), holding=False, seed=0)


def with_finer_pixels(view: CalibratedView) -> CalibratedView:
    """The same camera."""
    intrinsics = view.intrinsics * (SIDE_PX / view.width_px)
    intrinsics[2, 2] = 1.0
    return replace(view, intrinsics=intrinsics, height_px=SIDE_PX, width_px=SIDE_PX)
