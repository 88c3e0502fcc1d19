"""What every task with the arm shares: its commands, its cameras, its state, and going back in time.

    reset(seed) ── an Episode ── `_lay_out` of the task ── settled scene
    action ── clipped to the workspace and to a step ── inverse kinematics, twice a step ── physics
    snapshot() ── restore(): the same bits, also in another world of the same kind

Observation   front picture, wrist picture (64 x 64), depth of the front camera [m, exact], instruction, and
              `state`: the commanded pose, the commanded gripper (0 open, 1 closed), the measured gripper, the
              measured TCP x, y, z [m]
Action        at 10 Hz: the pose to be reached at the end of the step (TCP x, y, z [m] and angles [rad], base
              frame), and the gripper (closed above 0.5)

How many angles a pose has is the task's affair. A seed decides everything: layout, things, colours, camera,
light and start pose. Variants of a scene share it and differ in the target or the start pose.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import mujoco
import numpy as np
from jaxtyping import Float

from mu0.envs.camera import Camera, focal_from_fov_px, look_at
from mu0.envs.camera_path import CameraPath
from mu0.envs.levels import Level
from mu0.envs.renderer import AbstractRenderer
from mu0.envs.rendering import open_renderer
from mu0.envs.tabletop import refresh_poses
from mu0.envs.ur3.arm import GRIPPER_TRAVEL_M, WRIST_CAMERA_EYE_M, WRIST_CAMERA_TARGET_M
from mu0.envs.ur3.controller import InverseKinematics
from mu0.envs.ur3.kinematics import HOME_RAD, JOINTS
from mu0.errors import SimulationError
from mu0.interfaces import AbstractEnvironment
from mu0.records import Observation

CONTROL_HZ = 10.0
SUBSTEPS = 2  # inverse kinematics runs at 20 Hz
FRONT_FOV_DEG, WRIST_FOV_DEG = 47.0, 75.0
WRIST_SIZE_PX = 64
WORKSPACE_M = np.array([[0.08, 0.48], [-0.40, 0.40], [0.012, 0.42]])
MAX_STEP_M, MAX_STEP_RAD = 0.08, 0.6
STATE = mujoco.mjtState.mjSTATE_INTEGRATION
FROM_FAR = 80  # iterations of inverse kinematics that reach a pose from anywhere


@dataclass(frozen=True)
class Episode:
    """What is decided before an episode begins."""

    seed: int
    variant: int = 0
    moving_camera: bool = False
    orbiting_camera: bool = False


@dataclass(frozen=True)
class Snapshot:
    """A moment of an episode: MuJoCo's whole state, and what the task and the controller remember."""

    episode: Episode
    physics: Float[np.ndarray, " n"]
    command: Float[np.ndarray, " action"]
    joints_rad: Float[np.ndarray, " 6"]
    n_steps: int
    memory: dict[str, Any]


class ArmWorld(AbstractEnvironment):
    """The base of the tasks, which lay out a scene, turn angles into a rotation and say what success is.

    Args:
        model: The compiled scene, with the arm of `ur3_actor`.
        n_pose: Numbers of a commanded pose: x, y, z and the task's angles.
        width_px: Of the front picture.
        height_px: Of the front picture.
        wrist_size_px: Both sides of the wrist picture.
        render: False takes black pictures, and is fast.
    """

    memory_names: ClassVar[tuple[str, ...]] = ()
    """Attributes of the task that belong to a moment."""
    instruction: str
    level: Level
    camera_path: CameraPath

    def __init__(
        self,
        model: mujoco.MjModel,
        n_pose: int,
        *,
        width_px: int,
        height_px: int,
        wrist_size_px: int = WRIST_SIZE_PX,
        render: bool = True,
    ) -> None:
        self.model, self.data = model, mujoco.MjData(model)
        self.n_pose = n_pose
        self.width_px, self.height_px, self.wrist_size_px = width_px, height_px, wrist_size_px
        self._renderer: AbstractRenderer | None = None
        if render:
            largest = (max(width_px, wrist_size_px), max(height_px, wrist_size_px))
            self._renderer = open_renderer(self.model, self.data, width_px=largest[0], height_px=largest[1])
        self._inverse = InverseKinematics(self.model)
        self._arm = [int(self.model.joint(name).qposadr[0]) for name in JOINTS]
        self._finger = int(self.model.joint("finger_left").qposadr[0])
        self._tcp = self.model.site("tcp").id
        self._physics_steps = round(1 / (CONTROL_HZ * SUBSTEPS * model.opt.timestep))
        self.command = np.zeros(n_pose + 1)
        self.n_steps = 0
        self.episode = Episode(0)

    @abstractmethod
    def rotation(self, pose: Float[np.ndarray, " pose"]) -> Float[np.ndarray, "3 3"]:
        """`base_from_tcp` rotation of a commanded pose."""

    @property
    @abstractmethod
    def target_name(self) -> str:
        """What people call the thing that this episode is about."""

    @abstractmethod
    def entity_of_geoms(self) -> dict[int, int]:
        """Which entity (`mu0.envs.ground_truth`) each geom belongs to."""

    @abstractmethod
    def score(self) -> float:
        """How much of the task is done: 0 nothing, 1 as well as can be."""

    def facts(self) -> dict[str, int]:
        """What else there is to say about this moment, in numbers for people and logs."""
        return {}

    @abstractmethod
    def _lay_out(self, episode: Episode) -> None:
        """Bring `data` to the beginning of `episode`, settled; set `instruction` and `camera_path`."""

    def _look_back(self) -> None:
        """Remember what this step has shown; called after the physics of each."""

    def reset(self, seed: int) -> Observation:
        """Start variant 0 of scene `seed`."""
        return self.begin(Episode(seed))

    def begin(self, episode: Episode) -> Observation:
        """Start an episode."""
        self.episode = episode
        self.n_steps = 0
        mujoco.mj_resetData(self.model, self.data)
        self._lay_out(episode)
        refresh_poses(self.model, self.data)
        return self.observe()

    def snapshot(self) -> Snapshot:
        """This moment, to come back to."""
        physics = np.empty(mujoco.mj_stateSize(self.model, STATE))
        mujoco.mj_getState(self.model, self.data, physics, STATE)
        memory = {name: getattr(self, name) for name in self.memory_names}
        joints_rad = self._inverse.joints_rad.copy()
        return Snapshot(self.episode, physics, self.command.copy(), joints_rad, self.n_steps, memory)

    def restore(self, snapshot: Snapshot) -> None:
        """Be at that moment, to the last bit; a world that is in another episode is laid out for it first.

        Raises:
            SimulationError: The snapshot is of another model.
        """
        if len(snapshot.physics) != mujoco.mj_stateSize(self.model, STATE):
            raise SimulationError(
                f"The snapshot holds {len(snapshot.physics)} numbers.",
                expected=f"the {mujoco.mj_stateSize(self.model, STATE)} of this world's model",
                remedy="restore it in a world of the same task and settings.",
            )
        if snapshot.episode != self.episode:
            self.begin(snapshot.episode)
        mujoco.mj_setState(self.model, self.data, snapshot.physics, STATE)
        self.command = snapshot.command.copy()
        self._inverse.joints_rad = snapshot.joints_rad.copy()
        self.n_steps = snapshot.n_steps
        for name, value in snapshot.memory.items():
            setattr(self, name, value)
        refresh_poses(self.model, self.data)

    def step(self, action: Float[np.ndarray, " action"]) -> tuple[Observation, dict[str, Any]]:
        """Act for 0.1 s.

        Raises:
            SimulationError: The action is not finite, or has another length.
        """
        self.advance(action)
        return self.observe(), {"success": self.is_success(), "score": self.score(), **self.facts()}

    def advance(self, action: Float[np.ndarray, " action"]) -> None:
        """Act for 0.1 s without taking pictures; commands outside the workspace are clipped to it.

        Raises:
            SimulationError: The action is not finite, or has another length.
        """
        n_pose = self.n_pose
        if len(action) != n_pose + 1 or not np.isfinite(action).all():
            fault = "is not finite" if len(action) == n_pose + 1 else f"has {len(action)} numbers"
            raise SimulationError(
                f"The action {action.tolist()} {fault}.",
                expected=f"TCP x, y, z [m], {n_pose - 3} angles [rad] and gripper (0 open, 1 closed)",
                remedy="check the policy's normalization statistics and its loss.",
            )
        start = self.command.copy()
        goal = np.clip(action[:3], WORKSPACE_M[:, 0], WORKSPACE_M[:, 1])
        way = goal - start[:3]
        way *= min(1.0, MAX_STEP_M / max(float(np.linalg.norm(way)), 1e-9))
        turn = np.clip(action[3:n_pose] - start[3:n_pose], -MAX_STEP_RAD, MAX_STEP_RAD)
        self.command[n_pose] = float(action[n_pose] > 0.5)
        for part in np.arange(1, SUBSTEPS + 1) / SUBSTEPS:
            self.command[:3] = start[:3] + part * way
            self.command[3:n_pose] = start[3:n_pose] + part * turn
            self._inverse.solve(self.command[:3], self.rotation(self.command[:n_pose]))
            self.data.ctrl[:6] = self._inverse.joints_rad
            self.data.ctrl[6] = -GRIPPER_TRAVEL_M * self.command[n_pose]
            mujoco.mj_step(self.model, self.data, self._physics_steps)
        refresh_poses(self.model, self.data)
        self.n_steps += 1
        self._look_back()

    def close(self) -> None:
        """Free the renderer."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def state(self) -> Float[np.ndarray, " state"]:
        """The robot's numbers, float32: command, measured gripper, measured TCP."""
        closed = -self.data.qpos[self._finger] / GRIPPER_TRAVEL_M
        return np.concatenate([self.command, [closed], self.data.site_xpos[self._tcp]]).astype(np.float32)

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
        size_px = self.wrist_size_px
        return Camera(pose, size_px, size_px, focal_from_fov_px(WRIST_FOV_DEG, size_px))

    def observe(self) -> Observation:
        """What a policy may see now; black pictures when the environment was made with `render=False`."""
        camera = self.front_camera()
        if self._renderer is None:
            image = np.zeros((self.height_px, self.width_px, 3), np.uint8)
            return Observation(image, self.instruction, proprioception=self.state())
        image, depth_m = self._renderer.render(camera)
        wrist_image = self._renderer.colours(self.wrist_camera())
        return Observation(
            image=image,
            instruction=self.instruction,
            depth_m=depth_m,
            intrinsics=camera.intrinsics,
            wrist_image=wrist_image,
            proprioception=self.state(),
        )

    def _stand_at(self, pose: Float[np.ndarray, " pose"]) -> None:
        """Put the arm there, gripper open, and command it to stay."""
        self._inverse.joints_rad = HOME_RAD.copy()
        self._inverse.solve(pose[:3], self.rotation(pose), n_iterations=FROM_FAR)
        self.data.qpos[self._arm] = self._inverse.joints_rad
        self.data.ctrl[:6] = self._inverse.joints_rad
        self.data.ctrl[6] = 0.0
        self.command = np.array([*pose, 0.0])
