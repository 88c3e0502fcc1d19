"""Pour almonds: "pour the almonds into the blue bowl".

Action        6 numbers: the TCP x, y, z, yaw, tilt (absolute, base frame) and the gripper
State         10 numbers: commanded TCP x, y, z [m], commanded yaw and tilt [rad], commanded gripper (0 open,
              1 closed), measured gripper, measured TCP x, y, z [m]
Success       five sixths of the almonds (25 of 30, 50 of 60) lie still in the bowl, and the cup is upright:
              in the hand, or standing on the table and never dropped
Score         the share of the almonds in the bowl

Tilt turns the gripper about the line through its fingers; a positive one tips what it holds towards
(cos yaw, sin yaw). How it acts and sees is the base's (`mu0.envs.ur3.arm_world`).
"""

from dataclasses import asdict, dataclass
from typing import ClassVar

import mujoco
import numpy as np
from jaxtyping import Bool, Float

from mu0.envs.camera_path import CameraPath
from mu0.envs.levels import Level
from mu0.envs.ur3.arm import ur3_actor
from mu0.envs.ur3.arm_world import ArmWorld, Episode
from mu0.envs.ur3.controller import top_down_rotation
from mu0.envs.ur3.kinematics import UR3E, RobotNumbers
from mu0.envs.ur3.pour.layout import PourLayout, draw_pour_layout, pour_instruction
from mu0.envs.ur3.pour.scene import (
    BOWL,
    CUP,
    almond_names,
    apply_pour_layout,
    build_pouring,
    entities_of_pouring,
    is_inside,
)
from mu0.envs.ur3.pour.vessels import tableware_at
from mu0.errors import SimulationError

N_POSE = 5
FEWEST, MOST = 1, 60
SETTLE_STEPS = 400
ENOUGH_SHARE = 5 / 6
STILL_M_S = 0.1
UPRIGHT_COSINE = 0.95  # about 18 degrees
IN_HAND_M = 0.03  # of the TCP from where it closed on the cup
DROP_M = 0.03  # let go of higher than this above the table is dropped


@dataclass(frozen=True)
class AlmondCount:
    """How many almonds are where."""

    bowl: int
    cup: int
    elsewhere: int


class PourEnvironment(ArmWorld):
    """The task with a cup, a bowl and almonds; see the module header.

    Args:
        image_size_px: Both sides of the front picture.
        render: False takes black pictures, and is fast.
        width_px: Of the front picture, where it is no square.
        height_px: Of the front picture, where it is no square.
        level: How far scenes leave what one learns from.
        robot: Which arm.
        n_almonds: 1 to 60.

    Raises:
        SimulationError: That many almonds do not fit the cup.
    """

    memory_names: ClassVar[tuple[str, ...]] = ("held_above_m", "was_dropped")
    layout: PourLayout

    def __init__(
        self,
        image_size_px: int = 128,
        *,
        render: bool = True,
        width_px: int | None = None,
        height_px: int | None = None,
        level: Level = "in_distribution",
        robot: RobotNumbers = UR3E,
        n_almonds: int = 30,
    ) -> None:
        if not FEWEST <= n_almonds <= MOST:
            raise SimulationError(
                f"The cup cannot hold {n_almonds} almonds.",
                expected=f"{FEWEST} to {MOST}",
                remedy="choose n_almonds in that range.",
            )
        self.level = level
        self.tableware = tableware_at(level)
        self.n_almonds = n_almonds
        super().__init__(
            build_pouring(ur3_actor(robot), self.tableware, n_almonds),
            N_POSE,
            width_px=width_px or image_size_px,
            height_px=height_px or image_size_px,
            render=render,
        )
        joints = [self.model.joint(name) for name in almond_names(n_almonds)]
        self._places = np.array([joint.qposadr[0] + np.arange(3) for joint in joints])
        self._speeds = np.array([joint.dofadr[0] + np.arange(3) for joint in joints])
        self.held_above_m = 0.0
        self.was_dropped = False

    @property
    def target_name(self) -> str:
        """What people call the cup."""
        return self.layout.cup_name

    def rotation(self, pose: Float[np.ndarray, " 5"]) -> Float[np.ndarray, "3 3"]:
        """`base_from_tcp` of a gripper that points down, tilted about the line through its fingers."""
        cosine, sine = np.cos(pose[4]), np.sin(pose[4])
        tilt = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
        return top_down_rotation(pose[3]) @ tilt

    def count(self) -> AlmondCount:
        """Where the almonds are: an almond in the cup is in the cup, also when that stands in the bowl."""
        in_cup, in_bowl = self._in_cup(), self._in_bowl()
        return AlmondCount(
            bowl=int((in_bowl & ~in_cup).sum()),
            cup=int(in_cup.sum()),
            elsewhere=int((~in_bowl & ~in_cup).sum()),
        )

    def is_success(self) -> bool:
        """Whether enough almonds lie still in the bowl, and the cup is upright and was not dropped."""
        still = np.linalg.norm(self.data.qvel[self._speeds], axis=1) < STILL_M_S
        n_poured = int((self._in_bowl() & ~self._in_cup() & still).sum())
        is_safe = self.holds_cup() or self._cup_above_table_m() < DROP_M
        is_enough = n_poured >= ENOUGH_SHARE * self.n_almonds
        return is_enough and self._is_upright() and is_safe and not self.was_dropped

    def score(self) -> float:
        """The share of the almonds that is in the bowl."""
        return self.count().bowl / self.n_almonds

    def facts(self) -> dict[str, int]:
        """The counts of `count`."""
        return asdict(self.count())

    def cup_pose(self) -> tuple[Float[np.ndarray, " 3"], float]:
        """Where the cup's floor is [m], and its yaw [rad]; base frame."""
        cup = self.data.body(CUP)
        return cup.xpos.copy(), float(np.arctan2(cup.xmat[3], cup.xmat[0]))

    def entity_of_geoms(self) -> dict[int, int]:
        """Which entity (mu0/envs/entities.py) each geom belongs to, for a `TruthRecorder`."""
        return entities_of_pouring(self.model, self.n_almonds)

    def _lay_out(self, episode: Episode) -> None:
        self.layout = draw_pour_layout(episode.seed, self.level)
        rng = np.random.default_rng([episode.seed, 1, episode.variant])
        self.instruction = pour_instruction(self.layout, rng)
        self.camera_path = CameraPath(
            self.layout.surroundings.camera_eye_m,
            self.layout.surroundings.camera_target_m,
            moving=episode.moving_camera,
            orbiting=episode.orbiting_camera,
            rng=rng,
        )
        self.held_above_m, self.was_dropped = 0.0, False
        apply_pour_layout(self.model, self.data, self.layout, self.n_almonds)
        position_m = np.array([rng.uniform(0.22, 0.36), rng.uniform(-0.15, 0.15), rng.uniform(0.22, 0.28)])
        self._stand_at(np.array([*position_m, rng.uniform(-0.6, 0.6), 0.0]))
        mujoco.mj_step(self.model, self.data, SETTLE_STEPS)

    def _look_back(self) -> None:
        if self.holds_cup():
            self.held_above_m = self._cup_above_table_m()
        elif self.held_above_m > DROP_M:
            self.was_dropped = True

    def _almonds_m(self) -> Float[np.ndarray, "n 3"]:
        return self.data.qpos[self._places]

    def _in_cup(self) -> Bool[np.ndarray, " n"]:
        return is_inside(self.data, CUP, self.tableware.cup, self._almonds_m())

    def _in_bowl(self) -> Bool[np.ndarray, " n"]:
        return is_inside(self.data, BOWL, self.tableware.bowl, self._almonds_m())

    def _is_upright(self) -> bool:
        return bool(self.data.body(CUP).xmat[8] > UPRIGHT_COSINE)

    def _cup_above_table_m(self) -> float:
        return float(self.data.body(CUP).xpos[2])

    def holds_cup(self) -> bool:
        """Whether the gripper is closed with the cup between its fingers."""
        cup = self.data.body(CUP)
        grasped_at = cup.xpos + cup.xmat.reshape(3, 3)[:, 2] * self.tableware.grasp_height_m
        is_near = np.linalg.norm(self.data.site_xpos[self._tcp] - grasped_at) < IN_HAND_M
        return bool(is_near and self.command[N_POSE] > 0.5)
