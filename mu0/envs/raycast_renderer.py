"""Pictures without any GL: one MuJoCo ray per pixel and Lambert shading in numpy.

Depth is exact (it agrees with GL to micrometres away from edges). Colours are those of the geoms and
materials; textures are left out, shading comes from one fixed light. Cloth is met by `mu0.envs.cloth_caster`.
Needs nothing but mujoco-core and numpy.
"""

from functools import lru_cache

import mujoco
import numpy as np
from jaxtyping import Float, Int, UInt8

from mu0.envs.camera import Camera
from mu0.envs.cloth_caster import cast_on_cloth
from mu0.envs.renderer import BACKDROP_GROUP, AbstractRenderer

RAYS_PER_CALL = 4096  # one call with 256 x 256 rays is 3.5 times slower than sixteen of these
CUTOFF_M = 20.0
AMBIENT = 0.4
TO_LIGHT = np.array([0.3, -0.2, 0.93])
BACKGROUND = np.array([0.6, 0.7, 0.8])
SHOWN_GROUPS = np.isin(np.arange(6), [0, BACKDROP_GROUP]).astype(np.uint8)  # as GL shows them
UNSET_RGBA = np.array([0.5, 0.5, 0.5, 1.0])  # MuJoCo's mark for "the material decides"


@lru_cache(maxsize=8)
def _rays_camera(width_px: int, height_px: int, focal_px: float) -> Float[np.ndarray, "rays 3"]:
    """Unit vectors through the pixel centres, camera frame."""
    x, y = np.meshgrid(np.arange(width_px) - (width_px - 1) / 2, np.arange(height_px) - (height_px - 1) / 2)
    rays = np.stack([x / focal_px, y / focal_px, np.ones_like(x)], axis=-1).reshape(-1, 3)
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


class RaycastRenderer(AbstractRenderer):
    """MuJoCo's ray queries, shaded."""

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        self._model, self._data = model, data

    def render(
        self, camera: Camera
    ) -> tuple[UInt8[np.ndarray, "height width 3"], Float[np.ndarray, "height width"]]:
        """See `AbstractRenderer.render`."""
        rays_camera = _rays_camera(camera.width_px, camera.height_px, camera.focal_px)
        rotation = camera.camera_from_world[:3, :3]
        eye = -rotation.T @ camera.camera_from_world[:3, 3]
        geom, distance_m, normal = self._cast(eye, rays_camera @ rotation)
        hit = geom >= 0
        depth_m = np.where(hit, distance_m * rays_camera[:, 2], 0.0)
        colour = np.where(hit[:, None], self._colours(self._model.geom_rgba, self._model.geom_matid)[geom], 0)
        if self._model.nflex:
            self._lay_cloth(camera, depth_m, normal, colour)
        hit = depth_m > 0
        shade = AMBIENT + (1 - AMBIENT) * np.clip(normal @ TO_LIGHT, 0, 1)
        colour = np.where(hit[:, None], colour * shade[:, None], BACKGROUND)
        shape = (camera.height_px, camera.width_px)
        image = np.clip(colour * 255, 0, 255).astype(np.uint8)
        return image.reshape(*shape, 3), depth_m.astype(np.float32).reshape(shape)

    def close(self) -> None:
        """Nothing to free."""

    def _cast(
        self, eye: Float[np.ndarray, " 3"], rays_world: Float[np.ndarray, "rays 3"]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n_rays = len(rays_world)
        geom = np.full(n_rays, -1, np.int32)
        distance_m, normal = np.zeros(n_rays), np.zeros((n_rays, 3))
        for start in range(0, n_rays, RAYS_PER_CALL):
            part = slice(start, min(start + RAYS_PER_CALL, n_rays))
            mujoco.mj_multiRay(
                self._model,
                self._data,
                eye,
                rays_world[part].reshape(-1),
                SHOWN_GROUPS,
                True,  # noqa: FBT003  MuJoCo's flg_static
                -1,
                geom[part],
                distance_m[part],
                normal[part].reshape(-1),
                part.stop - part.start,
                CUTOFF_M,
            )
        return geom, distance_m, normal

    def _lay_cloth(
        self,
        camera: Camera,
        depth_m: Float[np.ndarray, " rays"],
        normal: Float[np.ndarray, "rays 3"],
        colour: Float[np.ndarray, "rays 3"],
    ) -> None:
        """Put cloth over what lies behind it."""
        met = cast_on_cloth(self._model, self._data, camera)
        cloth_m, flex = met.depth_m.ravel(), met.flex.ravel()
        before = (flex >= 0) & ((depth_m == 0) | (cloth_m < depth_m))
        depth_m[before] = cloth_m[before]
        normal[before] = met.normal.reshape(-1, 3)[before] @ camera.camera_from_world[:3, :3]
        material = self._model.flex_matid[: self._model.nflex]  # the binding of mujoco 4.0.0 gives more
        colour[before] = self._colours(self._model.flex_rgba, material)[flex[before]]

    def _colours(
        self, own_rgba: Float[np.ndarray, "n 4"], material: Int[np.ndarray, " n"]
    ) -> Float[np.ndarray, "n 3"]:
        """Colours of geoms or of cloths: their own, or those of their materials."""
        rgba = own_rgba.astype(np.float64)
        unset = (material >= 0) & np.all(np.isclose(rgba, UNSET_RGBA), axis=1)
        rgba[unset] = self._model.mat_rgba[material[unset]]
        return rgba[:, :3]
