"""A UR3e at a table with a sink: "put the red apple into the sink".

Observation   front picture, wrist picture (64 x 64), depth of the front camera [m, exact], instruction, and
              the 9 numbers of `state`: commanded TCP x, y, z [m], commanded yaw [rad], commanded gripper
              (0 open, 1 closed), measured gripper (0 open, 1 closed), measured TCP x, y, z [m]
Action        5 numbers at 10 Hz: the TCP x, y, z, yaw (absolute, base frame) to be reached at the end of the
              step, and the gripper (closed above 0.5)
Success       the target lies still between the sink's walls, the gripper is open, and the target had been
              lifted

A seed decides everything: layout, objects, colours, camera, light and start pose. `reset(seed)` is variant 0
of scene `seed`; other variants share the scene and have another target or start pose.
"""

from typing import Any

import mujoco
import numpy as np
from jaxtyping import Float

from mu0.envs.camera import Camera, focal_from_fov_px, look_at
from mu0.envs.camera_path import CameraPath
from mu0.envs.layout import Layout, PlacedObject, draw_layout, instruction_for
from mu0.envs.objects import EVERY_KIND, USUAL, Catalogue
from mu0.envs.renderer import AbstractRenderer
from mu0.envs.rendering import open_renderer
from mu0.envs.tabletop import TIMESTEP_S, apply_layout, build_tabletop, is_in_sink, refresh_poses
from mu0.envs.ur3.arm import GRIPPER_TRAVEL_M, WRIST_CAMERA_EYE_M, WRIST_CAMERA_TARGET_M, ur3_actor
from mu0.envs.ur3.controller import InverseKinematics, top_down_rotation
from mu0.envs.ur3.kinematics import HOME_RAD, JOINTS
from mu0.errors import SimulationError
from mu0.interfaces import AbstractEnvironment
from mu0.records import Observation

CONTROL_HZ = 10.0
SUBSTEPS = 2  # inverse kinematics runs at 20 Hz
PHYSICS_STEPS = round(1 / (CONTROL_HZ * SUBSTEPS * TIMESTEP_S))
SETTLE_STEPS = 150
FRONT_FOV_DEG, WRIST_FOV_DEG = 47.0, 75.0
WRIST_SIZE_PX = 64
WORKSPACE_M = np.array([[0.08, 0.48], [-0.40, 0.40], [0.012, 0.42]])
MAX_STEP_M, MAX_STEP_RAD = 0.08, 0.6
LIFTED_M, STILL_M_S = 0.05, 0.05


class Ur3Environment(AbstractEnvironment):
    """The tabletop task; see the module header."""

    def __init__(
        self,
        image_size_px: int = 128,
        *,
        render: bool = True,
        width_px: int | None = None,
        height_px: int | None = None,
        catalogue: Catalogue = USUAL,
    ) -> None:
        self.catalogue = catalogue
        self.model = build_tabletop(ur3_actor(), catalogue)
        self.data = mujoco.MjData(self.model)
        self.width_px, self.height_px = width_px or image_size_px, height_px or image_size_px
        self._renderer: AbstractRenderer | None = None
        if render:
            largest = (max(self.width_px, WRIST_SIZE_PX), max(self.height_px, WRIST_SIZE_PX))
            self._renderer = open_renderer(self.model, self.data, width_px=largest[0], height_px=largest[1])
        self._inverse = InverseKinematics(self.model)
        self._arm = [int(self.model.joint(name).qposadr[0]) for name in JOINTS]
        self._finger = int(self.model.joint("finger_left").qposadr[0])
        self._tcp = self.model.site("tcp").id
        self._new_looks = self.model.geom_rgba.copy(), self.model.geom_matid.copy()
        self.command = np.zeros(5)

    def reset(self, seed: int) -> Observation:
        """Start variant 0 of scene `seed`."""
        return self.reset_variant(seed, 0)

    def reset_variant(
        self, scene_seed: int, variant: int, *, moving_camera: bool = False, orbiting_camera: bool = False
    ) -> Observation:
        """Start variant `variant` of scene `scene_seed`: another target or start pose in the same scene."""
        self.layout: Layout = draw_layout(scene_seed, self.catalogue)
        rng = np.random.default_rng([scene_seed, 1, variant])
        self.target: PlacedObject = self.layout.target(variant)
        self.instruction = instruction_for(self.target, rng)
        self.camera_path = CameraPath(
            self.layout.camera_eye_m,
            self.layout.camera_target_m,
            moving=moving_camera,
            orbiting=orbiting_camera,
            rng=rng,
        )
        self.n_steps = 0
        self.was_lifted = False
        mujoco.mj_resetData(self.model, self.data)
        self.model.geom_rgba[:], self.model.geom_matid[:] = self._new_looks  # nothing of the last scene stays
        apply_layout(self.model, self.data, self.layout)
        self._take_start_pose(rng)
        mujoco.mj_step(self.model, self.data, SETTLE_STEPS)
        refresh_poses(self.model, self.data)
        return self.observe()

    def continue_from(self, other: "Ur3Environment") -> None:
        """Be where `other` is now, a world of the same scene and catalogue; targets are not compared."""
        kind = mujoco.mjtState.mjSTATE_INTEGRATION
        state = np.empty(mujoco.mj_stateSize(self.model, kind))
        mujoco.mj_getState(other.model, other.data, state, kind)
        mujoco.mj_setState(self.model, self.data, state, kind)
        self.command = other.command.copy()
        self._inverse.joints_rad = other._inverse.joints_rad.copy()
        self.n_steps, self.was_lifted = other.n_steps, other.was_lifted
        refresh_poses(self.model, self.data)

    def step(self, action: Float[np.ndarray, " 5"]) -> tuple[Observation, dict[str, Any]]:
        """Act for 0.1 s.

        Raises:
            SimulationError: The action is not finite.
        """
        self.advance(action)
        return self.observe(), {"success": self.is_success(), "lifted": self.was_lifted}

    def advance(self, action: Float[np.ndarray, " 5"]) -> None:
        """Act for 0.1 s without taking pictures; commands outside the workspace are clipped to it."""
        if not np.isfinite(action).all():
            raise SimulationError(
                f"The action {action.tolist()} is not finite.",
                expected="TCP x, y, z [m], yaw [rad] and gripper (0 open, 1 closed)",
                remedy="check the policy's normalization statistics and its loss.",
            )
        start = self.command.copy()
        goal = np.clip(action[:3], WORKSPACE_M[:, 0], WORKSPACE_M[:, 1])
        way = goal - start[:3]
        way *= min(1.0, MAX_STEP_M / max(float(np.linalg.norm(way)), 1e-9))
        turn = np.clip(action[3] - start[3], -MAX_STEP_RAD, MAX_STEP_RAD)
        self.command[4] = float(action[4] > 0.5)
        for part in np.arange(1, SUBSTEPS + 1) / SUBSTEPS:
            self.command[:3] = start[:3] + part * way
            self.command[3] = start[3] + part * turn
            self._inverse.solve(self.command[:3], top_down_rotation(self.command[3]))
            self.data.ctrl[:6] = self._inverse.joints_rad
            self.data.ctrl[6] = -GRIPPER_TRAVEL_M * self.command[4]
            mujoco.mj_step(self.model, self.data, PHYSICS_STEPS)
        refresh_poses(self.model, self.data)
        self.n_steps += 1
        if self.target_position_m()[2] > EVERY_KIND[self.target.kind].rest_height_m + LIFTED_M:
            self.was_lifted = True

    def is_success(self) -> bool:
        """Whether the target rests in the sink, let go of, after having been lifted."""
        speed = float(np.linalg.norm(self.data.joint(self.target.kind).qvel[:3]))
        is_open = bool(self.command[4] < 0.5)
        in_sink = is_in_sink(self.target_position_m(), self.layout.sink_xy_m)
        return self.was_lifted and is_open and in_sink and speed < STILL_M_S

    def close(self) -> None:
        """Free the renderer."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def state(self) -> Float[np.ndarray, " 9"]:
        """The robot's nine numbers, float32."""
        closed = -self.data.qpos[self._finger] / GRIPPER_TRAVEL_M
        return np.concatenate([self.command, [closed], self.data.site_xpos[self._tcp]]).astype(np.float32)

    def target_position_m(self) -> Float[np.ndarray, " 3"]:
        """Where the target object's centre is, base frame."""
        return self.data.joint(self.target.kind).qpos[:3].copy()

    def front_camera(self) -> Camera:
        """The camera of this moment."""
        pose = self.camera_path.camera_from_world(self.n_steps / CONTROL_HZ)
        focal_px = focal_from_fov_px(FRONT_FOV_DEG, self.height_px)
        return Camera(pose, self.width_px, self.height_px, focal_px)

    def wrist_camera(self) -> Camera:
        """The camera beside the gripper; its picture's up is the gripper's outside."""
        wrist = self.data.body("wrist_3_link")
        rotation = wrist.xmat.reshape(3, 3)
        eye = wrist.xpos + rotation @ WRIST_CAMERA_EYE_M
        target = wrist.xpos + rotation @ WRIST_CAMERA_TARGET_M
        pose = look_at(eye, target, up=rotation @ np.array([1.0, 0.0, 0.0]))
        return Camera(pose, WRIST_SIZE_PX, WRIST_SIZE_PX, focal_from_fov_px(WRIST_FOV_DEG, WRIST_SIZE_PX))

    def observe(self) -> Observation:
        """What a policy may see now; black pictures when the environment was made with `render=False`."""
        camera = self.front_camera()
        if self._renderer is None:
            image = np.zeros((self.height_px, self.width_px, 3), np.uint8)
            return Observation(image, self.instruction, proprioception=self.state())
        image, depth_m = self._renderer.render(camera)
        wrist_image, _ = self._renderer.render(self.wrist_camera())
        return Observation(
            image=image,
            instruction=self.instruction,
            depth_m=depth_m,
            intrinsics=camera.intrinsics,
            wrist_image=wrist_image,
            proprioception=self.state(),
        )

    def _take_start_pose(self, rng: np.random.Generator) -> None:
        position_m = np.array([rng.uniform(0.22, 0.36), rng.uniform(-0.15, 0.15), rng.uniform(0.2, 0.28)])
        yaw_rad = rng.uniform(-0.6, 0.6)
        self._inverse.joints_rad = HOME_RAD.copy()
        self._inverse.solve(position_m, top_down_rotation(yaw_rad), n_iterations=80)
        self.data.qpos[self._arm] = self._inverse.joints_rad
        self.data.ctrl[:6] = self._inverse.joints_rad
        self.data.ctrl[6] = 0.0
        self.command = np.array([*position_m, yaw_rad, 0.0])
