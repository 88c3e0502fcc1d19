"""Pick into sink: "put the red apple into the sink".

Action        5 numbers: the TCP x, y, z, yaw (absolute, base frame) and the gripper
State         9 numbers: commanded TCP x, y, z [m], commanded yaw [rad], commanded gripper (0 open, 1 closed),
              measured gripper, measured TCP x, y, z [m]
Success       the target lies still between the sink's walls, the gripper is open, and the target had been
              lifted
Score         .5 once it was lifted, 1 at success

How it acts and sees is the base's (`mu0.envs.ur3.arm_world`).
"""

from typing import ClassVar

import mujoco
import numpy as np
from jaxtyping import Float

from mu0.envs.camera_path import CameraPath
from mu0.envs.layout import Layout, PlacedObject, draw_layout, instruction_for
from mu0.envs.levels import LEVELS, Level
from mu0.envs.objects import EVERY_KIND
from mu0.envs.tabletop import apply_layout, build_tabletop, entity_of_geoms, is_in_sink
from mu0.envs.ur3.arm import ur3_actor
from mu0.envs.ur3.arm_world import ArmWorld, Episode
from mu0.envs.ur3.controller import top_down_rotation
from mu0.envs.ur3.kinematics import UR3E, RobotNumbers
from mu0.records import Observation

N_POSE = 4
SETTLE_STEPS = 150
LIFTED_M, STILL_M_S = 0.05, 0.05


class Ur3Environment(ArmWorld):
    """The tabletop task; see the module header."""

    memory_names: ClassVar[tuple[str, ...]] = ("was_lifted",)
    layout: Layout
    target: PlacedObject

    def __init__(
        self,
        image_size_px: int = 128,
        *,
        render: bool = True,
        width_px: int | None = None,
        height_px: int | None = None,
        level: Level = "in_distribution",
        robot: RobotNumbers = UR3E,
    ) -> None:
        self.level = level
        self.catalogue = LEVELS[level].catalogue
        super().__init__(
            build_tabletop(ur3_actor(robot), self.catalogue),
            N_POSE,
            width_px=width_px or image_size_px,
            height_px=height_px or image_size_px,
            render=render,
        )
        self._new_looks = self.model.geom_rgba.copy(), self.model.geom_matid.copy()
        self.was_lifted = False

    def reset_variant(
        self, scene_seed: int, variant: int, *, moving_camera: bool = False, orbiting_camera: bool = False
    ) -> Observation:
        """Start variant `variant` of scene `scene_seed`: another target or start pose in the same scene."""
        return self.begin(Episode(scene_seed, variant, moving_camera, orbiting_camera))

    @property
    def target_name(self) -> str:
        """What people call the object."""
        return self.target.phrase

    def entity_of_geoms(self) -> dict[int, int]:
        """Which entity (`mu0.envs.ground_truth`) each geom belongs to."""
        return entity_of_geoms(self.model, self.layout, self.target)

    def rotation(self, pose: Float[np.ndarray, " 4"]) -> Float[np.ndarray, "3 3"]:
        """`base_from_tcp` of a gripper that points down."""
        return top_down_rotation(pose[3])

    def is_success(self) -> bool:
        """Whether the target rests in the sink, let go of, after having been lifted."""
        speed = float(np.linalg.norm(self.data.joint(self.target.kind).qvel[:3]))
        is_open = bool(self.command[N_POSE] < 0.5)
        in_sink = is_in_sink(self.target_position_m(), self.layout.sink_xy_m)
        return self.was_lifted and is_open and in_sink and speed < STILL_M_S

    def score(self) -> float:
        """Half for having lifted the target, all of it at success."""
        return 1.0 if self.is_success() else 0.5 * self.was_lifted

    def target_position_m(self) -> Float[np.ndarray, " 3"]:
        """Where the target object's centre is, base frame."""
        return self.data.joint(self.target.kind).qpos[:3].copy()

    def _lay_out(self, episode: Episode) -> None:
        self.layout = draw_layout(episode.seed, self.catalogue, self.level)
        rng = np.random.default_rng([episode.seed, 1, episode.variant])
        self.target = self.layout.target(episode.variant)
        self.instruction = instruction_for(self.target, rng)
        self.camera_path = CameraPath(
            self.layout.surroundings.camera_eye_m,
            self.layout.surroundings.camera_target_m,
            moving=episode.moving_camera,
            orbiting=episode.orbiting_camera,
            rng=rng,
        )
        self.was_lifted = False
        self.model.geom_rgba[:], self.model.geom_matid[:] = self._new_looks  # nothing of the last scene stays
        apply_layout(self.model, self.data, self.layout)
        position_m = np.array([rng.uniform(0.22, 0.36), rng.uniform(-0.15, 0.15), rng.uniform(0.2, 0.28)])
        self._stand_at(np.array([*position_m, rng.uniform(-0.6, 0.6)]))
        mujoco.mj_step(self.model, self.data, SETTLE_STEPS)

    def _look_back(self) -> None:
        if self.target_position_m()[2] > EVERY_KIND[self.target.kind].rest_height_m + LIFTED_M:
            self.was_lifted = True
