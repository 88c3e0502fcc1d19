"""A free-flying human-like hand that tidies the same table: no robot, no actions, for traces only.

The palm is a mocap body that follows a scripted smooth path; five fingers of two segments hang on it with
small servos. The hand touches nothing physically: a grasped or pushed object is tied to the palm by a stiff
weld (the motion of a held object is therefore kinematic), and let go by removing the weld, after which it
falls and rests by real physics. Objects are grasped where the fingers close, so what one sees is plausible.

Three things it does
    sink    pick the target and put it into the sink
    place   pick it and put it down elsewhere on the table
    push    slide it along the table with the finger tips

Palm frame: x towards the finger tips, y to the left, z out of the back of the hand.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import mujoco
import numpy as np
from jaxtyping import Float

from mu0.envs.camera import Camera, focal_from_fov_px
from mu0.envs.camera_path import CameraPath
from mu0.envs.hand_model import CLOSED_RAD, FINGERS, HOLD_POINT_M, OPEN_RAD, hand_actor
from mu0.envs.layout import Layout, PlacedObject, draw_layout, instruction_for
from mu0.envs.objects import KINDS
from mu0.envs.phases import PhaseName
from mu0.envs.rendering import open_renderer
from mu0.envs.tabletop import (
    TIMESTEP_S,
    apply_layout,
    build_tabletop,
    entity_of_geoms,
    is_in_sink,
    refresh_poses,
)

FRAME_HZ = 10.0
FOV_DEG = 47.0
BLOCKS = 5  # the path is followed in this many small moves per frame
BLOCK_STEPS = round(1 / (FRAME_HZ * BLOCKS * TIMESTEP_S))
SETTLE_STEPS = 150
PITCH_RAD = 0.65  # finger tips below the wrist
REST_POINT_M = np.array([0.05, -0.02, 0.24])
TASKS, TASK_PROBABILITY = ("sink", "place", "push"), (0.6, 0.2, 0.2)
ARRIVED_M = 0.03


@dataclass(frozen=True)
class Move:
    """Bring the hold point to a place in some time, with fingers closed by a share."""

    name: PhaseName
    point_m: Float[np.ndarray, " 3"]
    yaw_rad: float
    closed: float
    duration_s: float
    holds: bool


class HandScene:
    """A hand at the table; `reset_variant` starts an episode, `play` runs it frame by frame."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self.model = build_tabletop(hand_actor())
        self.data = mujoco.MjData(self.model)
        self.width_px, self.height_px = width_px, height_px
        self.renderer = open_renderer(self.model, self.data, width_px=width_px, height_px=height_px)
        self._fingers = [self.model.actuator(name).id for name in FINGERS]

    @property
    def target_name(self) -> str:
        """What people call the object."""
        return self.target.phrase

    def entity_of_geoms(self) -> dict[int, int]:
        """Which entity (`mu0.envs.ground_truth`) each geom belongs to."""
        return entity_of_geoms(self.model, self.layout, self.target)

    def reset_variant(self, scene_seed: int, variant: int, *, moving_camera: bool = False) -> None:
        """Start variant `variant` of scene `scene_seed`."""
        self.layout: Layout = draw_layout(scene_seed)
        rng = np.random.default_rng([scene_seed, 1, variant])
        self.target: PlacedObject = self.layout.target(variant)
        self.task = str(rng.choice(TASKS, p=TASK_PROBABILITY))
        seen = self.layout.surroundings
        self.camera_path = CameraPath(seen.camera_eye_m, seen.camera_target_m, moving=moving_camera, rng=rng)
        self.n_frames = 0
        self.phase: PhaseName = "reach"
        mujoco.mj_resetData(self.model, self.data)
        apply_layout(self.model, self.data, self.layout)
        self.goal_m = self._draw_goal(rng)
        self.instruction = self._say(rng)
        self._point_m = REST_POINT_M + rng.uniform(-0.04, 0.04, 3)
        self._yaw_rad = float(rng.uniform(-0.4, 0.4))
        self._closed = 0.0
        self._moves = self._plan(rng)
        self._pose_hand(self._point_m, self._yaw_rad, 0.0)
        mujoco.mj_step(self.model, self.data, SETTLE_STEPS)

    def play(self) -> Iterator[None]:
        """Yield once per frame until the script ends."""
        for move in self._moves:
            self.phase = move.name
            start = (self._point_m, self._yaw_rad, self._closed)
            self._hold(move.holds)
            n_blocks = max(1, round(move.duration_s * FRAME_HZ)) * BLOCKS
            for block in range(1, n_blocks + 1):
                share = _ease(block / n_blocks)
                self._point_m = start[0] + share * (move.point_m - start[0])
                self._yaw_rad = start[1] + share * (move.yaw_rad - start[1])
                self._closed = start[2] + share * (move.closed - start[2])
                self._pose_hand(self._point_m, self._yaw_rad, self._closed)
                mujoco.mj_step(self.model, self.data, BLOCK_STEPS)
                if block % BLOCKS == 0:
                    refresh_poses(self.model, self.data)
                    self.n_frames += 1
                    yield

    def front_camera(self) -> Camera:
        """The camera of this moment."""
        pose = self.camera_path.camera_from_world(self.n_frames / FRAME_HZ)
        return Camera(pose, self.width_px, self.height_px, focal_from_fov_px(FOV_DEG, self.height_px))

    def is_success(self) -> bool:
        """Whether the target ended where the task wanted it."""
        place = self.data.joint(self.target.kind).qpos[:3].copy()
        if self.task == "sink":
            return is_in_sink(place, self.layout.sink_xy_m)
        return bool(np.linalg.norm(place[:2] - self.goal_m[:2]) < ARRIVED_M)

    def _draw_goal(self, rng: np.random.Generator) -> Float[np.ndarray, " 3"]:
        """Where the target shall end: the sink, or the freest of some places on the table."""
        height = KINDS[self.target.kind].rest_height_m
        if self.task == "sink":
            return np.array([*self.layout.sink_xy_m, height + 0.03])
        if self.task == "push":
            return np.array([self.target.xy_m[0] + rng.uniform(0.08, 0.14), self.target.xy_m[1], height])
        others = np.array([placed.xy_m for placed in self.layout.objects])
        places = rng.uniform([0.18, -0.26], [0.42, 0.10], (20, 2))
        freedom_m = np.linalg.norm(places[:, None] - others, axis=-1).min(axis=1)
        return np.array([*places[freedom_m.argmax()], height + 0.006])

    def _say(self, rng: np.random.Generator) -> str:
        if self.task == "sink":
            return instruction_for(self.target, rng)
        if self.task == "place":
            return f"pick up the {self.target.phrase} and put it down elsewhere on the table"
        return f"push the {self.target.phrase} forward"

    def _plan(self, rng: np.random.Generator) -> list[Move]:
        place = self.data.joint(self.target.kind).qpos[:3].copy()
        above = np.array([0.0, 0.0, 0.15])
        yaw = float(rng.uniform(-0.3, 0.3))
        end_yaw = yaw + float(rng.uniform(-0.3, 0.5))
        rest = Move("retreat", REST_POINT_M + rng.uniform(-0.04, 0.04, 3), end_yaw, 0.1, 1.2, holds=False)
        if self.task == "push":
            behind = place - np.array([0.09, 0.0, -0.015])
            touch = place - np.array([0.055, 0.0, -0.015])
            return [
                Move("reach", behind + above / 2, yaw, 0.5, 1.4, holds=False),
                Move("reach", behind, 0.0, 0.6, 0.7, holds=False),
                Move("reach", touch, 0.0, 0.6, 0.5, holds=False),
                Move("push", touch + self.goal_m - place, 0.0, 0.6, float(rng.uniform(1.2, 1.8)), holds=True),
                Move("retreat", behind + self.goal_m - place, 0.0, 0.5, 0.5, holds=False),
                rest,
            ]
        carry_s = float(rng.uniform(1.2, 1.8))
        return [
            Move("reach", place + above, yaw, 0.0, float(rng.uniform(1.0, 1.5)), holds=False),
            Move("reach", place, yaw, 0.1, 0.8, holds=False),
            Move("grasp", place, yaw, 1.0, 0.4, holds=False),
            Move("lift", place + above, yaw, 1.0, 0.8, holds=True),
            Move("transport", self.goal_m + above, end_yaw, 1.0, carry_s, holds=True),
            Move("place", self.goal_m, end_yaw, 1.0, 0.7, holds=True),
            Move("release", self.goal_m, end_yaw, 0.0, 0.4, holds=False),
            Move("retreat", self.goal_m + above, end_yaw, 0.0, 0.6, holds=False),
            rest,
        ]

    def _pose_hand(self, point_m: Float[np.ndarray, " 3"], yaw_rad: float, closed: float) -> None:
        """Put the palm where its hold point is at `point_m`, and curl the fingers."""
        yaw = np.array([np.cos(yaw_rad / 2), 0.0, 0.0, np.sin(yaw_rad / 2)])
        pitch = np.array([np.cos(PITCH_RAD / 2), 0.0, np.sin(PITCH_RAD / 2), 0.0])
        quaternion, offset = np.zeros(4), np.zeros(3)
        mujoco.mju_mulQuat(quaternion, yaw, pitch)
        mujoco.mju_rotVecQuat(offset, HOLD_POINT_M, quaternion)
        self.data.mocap_pos[0] = point_m - offset
        self.data.mocap_quat[0] = quaternion
        # fingers close no further than the object is wide
        width_m = min(KINDS[self.target.kind].size[0], 0.035)
        limit = 1.0 - 0.5 * width_m / 0.035
        self.data.ctrl[self._fingers] = OPEN_RAD + closed * (0.5 + 0.5 * limit) * (CLOSED_RAD - OPEN_RAD)

    def _hold(self, holds: bool) -> None:  # noqa: FBT001  one flag, one meaning
        """Tie the target to the palm as it lies in the hand now, or let it go."""
        weld = self.model.equality(f"hold_{self.target.kind}").id
        if holds and not self.data.eq_active[weld]:
            refresh_poses(self.model, self.data)
            palm, body = self.data.body("palm"), self.data.body(self.target.kind)
            inverse, position, quaternion = np.zeros(4), np.zeros(3), np.zeros(4)
            mujoco.mju_negQuat(inverse, palm.xquat)
            mujoco.mju_rotVecQuat(position, body.xpos - palm.xpos, inverse)
            mujoco.mju_mulQuat(quaternion, inverse, body.xquat)
            self.model.eq_data[weld, :3] = 0.0
            self.model.eq_data[weld, 3:6] = position
            self.model.eq_data[weld, 6:10] = quaternion
        self.data.eq_active[weld] = holds


def _ease(share: float) -> float:
    """Minimum-jerk time scaling of a reach (Flash and Hogan 1985)."""
    return share**3 * (10 - 15 * share + 6 * share**2)
