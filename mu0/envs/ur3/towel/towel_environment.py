"""Unfold towel: "unfold the blue towel".

Action        5 numbers: the TCP x, y, z, yaw (absolute, base frame) and the gripper
State         9 numbers, as in pick into sink
Success       the towel covers 90 % of what it covers when flat, the gripper is open, and nothing is held
Score         which share of what was folded away lies open: (coverage - first) / (1 - first), in [0, 1]

The towel, and what of it is simulated: `mu0.envs.ur3.towel.cloth`. How it is held, which is an assist:
`mu0.envs.ur3.towel.grasp`. How the arm acts and sees is the base's (`mu0.envs.ur3.arm_world`).
"""

from typing import ClassVar

import mujoco
import numpy as np
from jaxtyping import Float

from mu0.envs.camera_path import CameraPath
from mu0.envs.levels import Level
from mu0.envs.tabletop import refresh_poses
from mu0.envs.ur3.arm import ur3_actor
from mu0.envs.ur3.arm_world import WRIST_SIZE_PX, ArmWorld, Episode
from mu0.envs.ur3.controller import top_down_rotation
from mu0.envs.ur3.kinematics import UR3E, RobotNumbers
from mu0.envs.ur3.towel.cloth import TRIANGLES
from mu0.envs.ur3.towel.coverage import covered_area_m2
from mu0.envs.ur3.towel.fold import TowelLayout, draw_towel_layout, instruction_for_towel
from mu0.envs.ur3.towel.grasp import GraspAssist
from mu0.envs.ur3.towel.scene import (
    apply_towel_layout,
    build_towel_scene,
    entity_of_towel_geoms,
    point_bodies,
)
from mu0.records import Observation

N_POSE = 4
SETTLE_STEPS = 200
ENOUGH_COVERAGE = 0.9


class TowelEnvironment(ArmWorld):
    """The towel task; see the module header.

    Args:
        image_size_px: Both sides of the front picture, unless `width_px` and `height_px` say otherwise.
        render: False takes black pictures, and is fast.
        width_px: Of the front picture.
        height_px: Of the front picture.
        wrist_size_px: Both sides of the wrist picture.
        level: What differs from the scenes that one learns from.
        robot: Which arm.
    """

    memory_names: ClassVar[tuple[str, ...]] = ("coverage", "first_coverage", "was_closed")
    layout: TowelLayout

    def __init__(
        self,
        image_size_px: int = 128,
        *,
        render: bool = True,
        width_px: int | None = None,
        height_px: int | None = None,
        wrist_size_px: int = WRIST_SIZE_PX,
        level: Level = "in_distribution",
        robot: RobotNumbers = UR3E,
    ) -> None:
        self.level = level
        super().__init__(
            build_towel_scene(ur3_actor(robot)),
            N_POSE,
            width_px=width_px or image_size_px,
            height_px=height_px or image_size_px,
            wrist_size_px=wrist_size_px,
            render=render,
        )
        self._points = point_bodies(self.model)
        self._assist = GraspAssist(self.model)
        self.coverage = self.first_coverage = 0.0
        self.was_closed = False

    @property
    def target_name(self) -> str:
        """What people call the towel."""
        return self.layout.phrase

    def rotation(self, pose: Float[np.ndarray, " 4"]) -> Float[np.ndarray, "3 3"]:
        """`base_from_tcp` of a gripper that points down."""
        return top_down_rotation(pose[3])

    def points_m(self) -> Float[np.ndarray, "100 3"]:
        """Where the points of the towel are, row by row, base frame."""
        return self.data.xpos[self._points]

    def entity_of_geoms(self) -> dict[int, int]:
        """Which entity (`mu0.envs.ground_truth`) each geom belongs to; the towel is flex 0, without geoms."""
        return entity_of_towel_geoms(self.model)

    def held_point(self) -> int | None:
        """Which point of the towel the gripper holds."""
        return self._assist.held(self.data)

    def is_success(self) -> bool:
        """Whether the towel lies spread out, let go of."""
        is_open = bool(self.command[N_POSE] < 0.5)
        return self.coverage >= ENOUGH_COVERAGE and is_open and self.held_point() is None

    def score(self) -> float:
        """Which share of what was folded away has been laid open."""
        return float(np.clip((self.coverage - self.first_coverage) / (1 - self.first_coverage), 0, 1))

    def observe(self) -> Observation:
        """What a policy may see now."""
        mujoco.mj_flex(self.model, self.data)  # the cloth that is drawn, up to the state
        return super().observe()

    def _lay_out(self, episode: Episode) -> None:
        self.layout = draw_towel_layout(episode.seed, self.level)
        rng = np.random.default_rng([episode.seed, 1, episode.variant])
        self.instruction = instruction_for_towel(self.layout, rng)
        self.camera_path = CameraPath(
            self.layout.surroundings.camera_eye_m,
            self.layout.surroundings.camera_target_m,
            moving=episode.moving_camera,
            orbiting=episode.orbiting_camera,
            rng=rng,
        )
        self.was_closed = False
        apply_towel_layout(self.model, self.data, self.layout)
        position_m = np.array([rng.uniform(0.22, 0.36), rng.uniform(-0.15, 0.15), rng.uniform(0.2, 0.28)])
        self._stand_at(np.array([*position_m, rng.uniform(-0.6, 0.6)]))
        mujoco.mj_step(self.model, self.data, SETTLE_STEPS)
        refresh_poses(self.model, self.data)
        self.coverage = self.first_coverage = self._coverage_now()

    def _look_back(self) -> None:
        is_closed = bool(self.command[N_POSE] > 0.5)
        if is_closed and not self.was_closed:
            self._assist.take(self.data, self.data.site_xpos[self._tcp], self.points_m())
        if not is_closed:
            self._assist.let_go(self.data)
        self.was_closed = is_closed
        self.coverage = self._coverage_now()

    def _coverage_now(self) -> float:
        return covered_area_m2(self.points_m()[:, :2], TRIANGLES) / float(self.layout.size_m.prod())
