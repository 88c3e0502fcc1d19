"""Pictures through OpenGL: colour and depth from one pass.

`mujoco.Renderer` draws the scene once for colour and again for depth. Both lie in the frame buffer after one
pass, so we read both and halve the work. The camera is written straight into the scene, so no MJCF camera is
needed and any pose is possible.
"""

import os
import sys
from importlib import import_module
from typing import Any

import mujoco
import numpy as np
from jaxtyping import Float, UInt8

from mu0.envs.camera import Camera
from mu0.envs.renderer import BACKDROP_GROUP, AbstractRenderer

MAX_GEOMS = 400


class GlRenderer(AbstractRenderer):
    """MuJoCo's rasteriser; `backend` is egl, osmesa or glfw."""

    def __init__(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        *,
        width_px: int,
        height_px: int,
        backend: str,
    ) -> None:
        self._gl: Any = None
        self._context: Any = None
        # one process per core renders faster than Mesa's threads; read once, when Mesa starts
        os.environ.setdefault("LP_NUM_THREADS", "0")
        self._model, self._data = model, data
        model.vis.global_.offwidth = max(width_px, model.vis.global_.offwidth)
        model.vis.global_.offheight = max(height_px, model.vis.global_.offheight)
        self._scene = mujoco.MjvScene(model, MAX_GEOMS)
        self._front, self._backdrop = _only_group(0), _only_group(BACKDROP_GROUP)
        self._gl = import_module(f"mujoco.{backend}").GLContext(width_px, height_px)
        self._gl.make_current()
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        for flag in (
            mujoco.mjtRndFlag.mjRND_SHADOW,
            mujoco.mjtRndFlag.mjRND_REFLECTION,
            mujoco.mjtRndFlag.mjRND_SKYBOX,
            mujoco.mjtRndFlag.mjRND_HAZE,
        ):
            self._scene.flags[flag] = False

    def render(
        self, camera: Camera
    ) -> tuple[UInt8[np.ndarray, "height width 3"], Float[np.ndarray, "height width"]]:
        """See `AbstractRenderer.render`."""
        inverse_depth = np.empty((camera.height_px, camera.width_px), np.float32)
        image = self._draw(camera, inverse_depth)
        return image, self._depth_m(inverse_depth[::-1])

    def colours(self, camera: Camera) -> UInt8[np.ndarray, "height width 3"]:
        """See `AbstractRenderer.colours`; the depth buffer is not read."""
        return self._draw(camera, None)

    def close(self) -> None:
        """Free the GL context."""
        if self._context is not None:
            self._gl.make_current()
            self._context.free()
            self._context = None
        if self._gl is not None:
            self._gl.free()
            self._gl = None

    def __del__(self) -> None:
        """Free it in its own context: MuJoCo frees in the current one, and would take another renderer's."""
        if not sys.is_finalizing():  # then the display is gone already
            self.close()

    def _draw(
        self, camera: Camera, inverse_depth: Float[np.ndarray, "height width"] | None
    ) -> UInt8[np.ndarray, "height width 3"]:
        """The colours; the depth buffer, bottom row first, goes into `inverse_depth` if there is one."""
        self._gl.make_current()
        self._gather()
        self._place(camera)
        rect = mujoco.MjrRect(0, 0, camera.width_px, camera.height_px)
        image = np.empty((camera.height_px, camera.width_px, 3), np.uint8)
        mujoco.mjr_render(rect, self._scene, self._context)
        mujoco.mjr_readPixels(image, inverse_depth, rect, self._context)
        return np.ascontiguousarray(image[::-1])

    def _gather(self) -> None:
        """The scene with its backdrop last: what is hidden is then neither textured nor lit."""
        every = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(
            self._model, self._data, self._front, None, mujoco.MjvCamera(), every, self._scene
        )
        mujoco.mjv_addGeoms(self._model, self._data, self._backdrop, mujoco.MjvPerturb(), every, self._scene)

    def _place(self, camera: Camera) -> None:
        rotation = camera.camera_from_world[:3, :3]
        eye = -rotation.T @ camera.camera_from_world[:3, 3]
        top = self._near_far_m()[0] * 0.5 * camera.height_px / camera.focal_px
        for view in self._scene.camera:  # left and right eye
            view.pos[:] = eye
            view.forward[:] = rotation[2]
            view.up[:] = -rotation[1]
            view.frustum_center = 0.0
            view.frustum_width = 0.0  # from the shape of the picture
            view.frustum_top, view.frustum_bottom = top, -top
            view.frustum_near, view.frustum_far = self._near_far_m()

    def _near_far_m(self) -> tuple[float, float]:
        extent = self._model.stat.extent
        return self._model.vis.map.znear * extent, self._model.vis.map.zfar * extent

    def _depth_m(self, inverse_depth: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
        near, far = self._near_far_m()
        # reversed depth: 1 at the near plane, 0 at the far plane, linear in 1 / z
        depth = near * far / (near + inverse_depth.astype(np.float64) * (far - near))
        return np.where(inverse_depth > 0, depth, 0.0).astype(np.float32)


def _only_group(group: int) -> mujoco.MjvOption:
    option = mujoco.MjvOption()
    option.geomgroup[:] = 0
    option.geomgroup[group] = 1
    option.flexgroup[:] = option.geomgroup  # a cloth is drawn once, with its own group
    option.flags[mujoco.mjtVisFlag.mjVIS_FLEXEDGE] = False
    return option
