"""A tool by description: where its keypoints are, how it closes, what it may do.

Frames
    tool   origin at the TCP; the description says along which axis the tool comes to things
    base   of the robot; poses are `base_from_tool` [m]

A command is x, y, z [m], yaw [rad] of a tool that points down, as the UR3's action space has it. What tilts
is not followed: the nearest yaw is.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mu0.geometry.rigid import apply, from_parts


@dataclass(frozen=True)
class ToolState:
    """What the robot says of its tool; `closed` is measured (0 open, 1 closed), `closing` was commanded."""

    base_from_tool: Float[np.ndarray, "4 4"]
    command: Float[np.ndarray, " 4"]
    closed: float
    closing: bool


@dataclass(frozen=True)
class Embodiment:
    """A two-finger tool.

    Attributes:
        closed_m: Keypoints of the closed tool, tool frame.
        opening_m: How far each of them goes until the tool is open.
        normal: The outside at each keypoint; those of the side that faces the camera most are asked about.
        approach: The axis, tool frame, along which the tool comes to a thing.
        workspace_m: Lowest and highest x, y, z of a command.
        speed_m_s: Of free motion.
        slow_m_s: Of the last way to a thing.
        turn_rad_s: Of yaw.
        rate_hz: Commands per second.
        empty_above: A closed tool that measures more than this holds nothing.
        close_steps: Commands until closing has ended; opening takes as long.
    """

    name: str
    closed_m: Float[np.ndarray, "k 3"]
    opening_m: Float[np.ndarray, "k 3"]
    normal: Float[np.ndarray, "k 3"]
    approach: Float[np.ndarray, " 3"]
    workspace_m: Float[np.ndarray, "3 2"]
    speed_m_s: float
    slow_m_s: float
    turn_rad_s: float
    rate_hz: float
    empty_above: float
    close_steps: int

    def points_m(self, base_from_tool: Float[np.ndarray, "4 4"], closed: float) -> Float[np.ndarray, "k 3"]:
        """All keypoints, base frame."""
        return apply(base_from_tool, self.closed_m + (1 - np.clip(closed, 0, 1)) * self.opening_m)

    def facing(
        self, tool: ToolState, eye_m: Float[np.ndarray, " 3"], *, all_sides: bool = False
    ) -> Int[np.ndarray, " facing"]:
        """Keypoints of the side that faces the camera most, or with `all_sides` of every side that does."""
        points_m = self.points_m(tool.base_from_tool, tool.closed)
        outside = self.normal @ tool.base_from_tool[:3, :3].T
        towards = eye_m - points_m
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        slant = (towards * outside).sum(axis=1)
        if all_sides:
            return np.flatnonzero(slant > 0)
        sides, side = np.unique(self.normal, axis=0, return_inverse=True)
        mean_slant = np.bincount(side.ravel(), slant) / np.bincount(side.ravel(), minlength=len(sides))
        return np.flatnonzero((side.ravel() == mean_slant.argmax()) & (slant > 0))


def top_down_pose(command: Float[np.ndarray, " 4"]) -> Float[np.ndarray, "4 4"]:
    """`base_from_tool` of a command: z down, y along yaw + 90 degrees."""
    cosine, sine = np.cos(command[3]), np.sin(command[3])
    rotation = np.array([[-cosine, -sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, -1.0]])
    return from_parts(rotation, np.asarray(command[:3], np.float64))


def command_of(base_from_tool: Float[np.ndarray, "4 4"], near_yaw_rad: float) -> Float[np.ndarray, " 4"]:
    """The command nearest to a pose; of all equal yaws the one within half a turn of `near_yaw_rad`."""
    yaw = float(np.arctan2(-base_from_tool[0, 1], base_from_tool[1, 1]))
    yaw = near_yaw_rad + float(half_turn(np.array([yaw - near_yaw_rad]))[0])
    return np.array([*base_from_tool[:3, 3], yaw])


def half_turn(angle_rad: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """The same angle between minus and plus half a turn."""
    return (angle_rad + np.pi) % (2 * np.pi) - np.pi
