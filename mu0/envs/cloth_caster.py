"""Cloth in ray-cast pictures: MuJoCo's ray queries hit no flex, so its triangles are met here.

Each triangle is tried against the rays of those pixels only that lie around its projection. The surface
is the one between the points, without the thickness that GL draws around it.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from jaxtyping import Float, Int

from mu0.envs.camera import Camera
from mu0.envs.ground_truth import flex_triangles

NEAREST_M = 0.01  # triangles that reach nearer to the camera's plane are left out
EDGE = 1e-12  # neighbours share the rays on their edge


@dataclass(frozen=True)
class MetCloth:
    """What the ray of each pixel meets first: depth along the optical axis [m], infinite where it meets none.

    `normal` points to the camera, camera frame; `flex` is the number of the cloth, -1 for none.
    """

    depth_m: Float[np.ndarray, "h w"]
    normal: Float[np.ndarray, "h w 3"]
    flex: Int[np.ndarray, "h w"]


def cast_on_cloth(model: mujoco.MjModel, data: mujoco.MjData, camera: Camera) -> MetCloth:
    """Cast against the triangles of all two-dimensional flexes, where `data` has their points."""
    shape = (camera.height_px, camera.width_px)
    met = MetCloth(np.full(shape, np.inf), np.zeros((*shape, 3)), np.full(shape, -1))
    rotation = camera.camera_from_world[:3, :3]
    points_m = data.flexvert_xpos @ rotation.T + camera.camera_from_world[:3, 3]
    pixels, _ = camera.project(data.flexvert_xpos)
    for flex in np.flatnonzero(model.flex_dim == 2):
        triangles = flex_triangles(model, int(flex))
        for corners in triangles[points_m[triangles, 2].min(axis=1) > NEAREST_M]:
            window = _window(pixels[corners], camera)
            _enter(met, window, points_m[corners], camera, int(flex))
    return met


def _window(pixels: Float[np.ndarray, "3 2"], camera: Camera) -> tuple[slice, slice]:
    """Rows and columns of the picture that a triangle may touch."""
    size = np.array([camera.width_px, camera.height_px])
    low = np.clip(np.ceil(pixels.min(axis=0)), 0, size).astype(int)
    high = np.clip(np.floor(pixels.max(axis=0)) + 1, low, size).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _enter(
    met: MetCloth, window: tuple[slice, slice], corners_m: Float[np.ndarray, "3 3"], camera: Camera, flex: int
) -> None:
    """Enter one triangle (camera frame) where it is nearer than what is there."""
    rows, columns = window
    y, x = np.mgrid[rows, columns]
    x = (x - (camera.width_px - 1) / 2) / camera.focal_px
    y = (y - (camera.height_px - 1) / 2) / camera.focal_px
    rays = np.stack([x, y, np.ones_like(x)], axis=-1)
    # a ray passes through the triangle if it lies on the same side of the three planes through eye and edge
    sides = rays @ np.cross(corners_m, np.roll(corners_m, -1, axis=0)).T
    across = np.cross(corners_m[1] - corners_m[0], corners_m[2] - corners_m[0])
    facing = rays @ across
    inside = ((sides >= -EDGE).all(axis=-1) | (sides <= EDGE).all(axis=-1)) & (facing != 0)
    depth_m = np.divide(corners_m[0] @ across, facing, out=np.full_like(facing, np.inf), where=inside)
    nearer = depth_m < met.depth_m[window]
    towards = -np.sign(facing)[..., None] * across / max(float(np.linalg.norm(across)), EDGE)
    met.depth_m[window][nearer] = depth_m[nearer]
    met.normal[window][nearer] = towards[nearer]
    met.flex[window][nearer] = flex
