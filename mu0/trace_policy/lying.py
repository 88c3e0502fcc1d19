"""How a thing lies, said by the points that a finder gives of it: spread along it if it is long."""

import numpy as np
from jaxtyping import Float

from mu0.trace_policy.embodiment import half_turn

ACROSS = 0.3  # of the spread along a long thing
LONG = 1.8  # times as far spread in one direction; points of other finders are not


def points_along(direction: Float[np.ndarray, " 2"]) -> Float[np.ndarray, "5 3"]:
    """A middle and four points around it, farthest along the direction."""
    along, across = np.array([*direction, 0.0]), ACROSS * np.array([-direction[1], direction[0], 0.0])
    return np.stack([np.zeros(3), along, -along, across, -across])


def yaw_across(points_m: Float[np.ndarray, "t 3"], near_yaw_rad: float) -> float | None:
    """The yaw at which fingers close across a long thing, nearest to another one; None if it is not long.

    Fingers open along the tool's y (`top_down_pose`), so that a yaw of zero suits what lies along x.
    """
    variance, directions = np.linalg.eigh(np.cov(points_m[:, :2].T))
    if variance[1] < LONG**2 * max(variance[0], 1e-12):
        return None
    yaw = float(np.arctan2(directions[1, 1], directions[0, 1]))
    return near_yaw_rad + float(half_turn(2 * np.array([yaw - near_yaw_rad]))[0]) / 2
