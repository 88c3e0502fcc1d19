"""A world without physics, and traces that are right in it: the policy's laws need no simulator."""

from collections.abc import Callable

import numpy as np

from mu0.geometry.rigid import apply, from_parts
from mu0.records import Observation
from mu0.trace_policy.embodiment import ToolState, top_down_pose
from mu0.trace_policy.policy import TracePolicy
from mu0.trace_policy.sources import AbstractTraceSource, Futures, Moment
from mu0.trace_policy.ur3 import read_ur3

START, TARGET_M, PLACE_M = (
    np.array([0.3, 0.05, 0.25, 0.3]),
    np.array([0.32, -0.1, 0.02]),
    np.array([0.28, 0.26, 0.05]),
)
HELD_WITHIN_M = 0.012
CORNERS_M = 0.01 * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])


class ToyWorld:
    """Commands are reached at once; a closed hand takes what is between its fingers along."""

    def __init__(self) -> None:
        self.command, self.closing = START.copy(), False
        self.target_m, self.held = TARGET_M.copy(), False
        self.actions: list[np.ndarray] = []

    def observe(self) -> Observation:
        closed = 0.0 if not self.closing else 0.5 if self.held else 1.0
        state = np.array([*self.command, self.closing, closed, *self.command[:3]], np.float32)
        return Observation(
            np.zeros((64, 64, 3), np.uint8), "put the red cube into the box", proprioception=state
        )

    def step(self, action: np.ndarray) -> None:
        self.actions.append(action)
        self.command, was_closing, self.closing = action[:4], self.closing, bool(action[4] > 0.5)
        if self.closing and not was_closing:
            self.held = bool(np.linalg.norm(self.command[:3] - self.target_m) < HELD_WITHIN_M)
        self.held = self.held and self.closing
        if self.held:
            self.target_m = self.command[:3].copy()
        else:
            self.target_m[2] = 0.02

    def tool(self) -> ToolState:
        return read_ur3(self.observe().proprioception)


class ToyTraces(AbstractTraceSource):
    """The ideal way in a toy world, one sample; `lies` says by how much the n-th answer is wrong."""

    def __init__(self, world: ToyWorld, lies: Callable[[int], np.ndarray] = lambda _: np.zeros(3)) -> None:
        self.world, self.lies, self.n_asked = world, lies, 0

    def reset(self, seed: int) -> None:
        self.n_asked = 0

    def look(self, moment: Moment) -> Futures:
        lie_m, self.n_asked = self.lies(self.n_asked), self.n_asked + 1
        return _futures(moment, self.world, lie_m)


def _futures(moment: Moment, world: ToyWorld, lie_m: np.ndarray) -> Futures:
    """Twelve steps to the target if it is not held, twelve to the place, three away from it."""
    here_m, target_m = moment.tool.base_from_tool[:3, 3], world.target_m
    above, lifted, retreat = np.array([0, 0, 0.12]), np.array([0, 0, 0.18]), np.array([0, -0.05, 0.2])
    corners = [PLACE_M + lifted, np.add(PLACE_M, [0, 0, 0.08]), PLACE_M + retreat]
    if not world.held:
        corners = [target_m + lie_m + above, target_m + lie_m, target_m + lie_m + lifted, *corners]
    path, rides = [here_m], [world.held]
    for number, corner in enumerate(corners):
        share = np.linspace(0, 1, 7)[1:, None]
        path += list(path[-1] + share * (corner - path[-1]))
        first_ridden = 0 if world.held else 2
        rides += [first_ridden <= number < len(corners) - 1] * 6
    tool = np.array(path)
    target, grip_m = [target_m], target_m - here_m if world.held else -lie_m
    for step in range(1, len(tool)):
        target.append(tool[step] + grip_m if rides[step] else target[-1])
    moved = (tool - here_m)[None]
    gripper_m = moment.gripper_m[:, None] + moved
    points_m = (target_m + CORNERS_M)[:, None] + (np.array(target) - target_m)[None]
    return Futures(gripper_m[None], points_m[None], np.ones((1, len(tool)), bool))


def play(policy: TracePolicy, world: ToyWorld, n_steps: int = 200) -> None:
    """Act until the policy has finished."""
    for _ in range(n_steps):
        world.step(policy.predict_action_chunk(world.observe()).actions[0])
        if policy.phase in ("done", "gave_up"):
            return


def moved(points_m: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """Points that ride on poses, relative to the first one: (q, step, 3)."""
    local = apply(np.linalg.inv(poses[0]), points_m)
    return np.stack([apply(pose, local) for pose in poses], axis=1)


def pose_at(*command: float) -> np.ndarray:
    return top_down_pose(np.array(command))


def turned(angle_rad: float, shift_m: np.ndarray) -> np.ndarray:
    """A motion about the vertical."""
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return from_parts(np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1.0]]), shift_m)
