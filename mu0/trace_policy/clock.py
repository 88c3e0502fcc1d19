"""From a path to commands: traces know no time, so the robot's own limits give it one.

Every leg takes as long as the slower of going and turning, and commands are read off at the control clock. So
no command is further from the last one than the limits allow, and the last one is the goal itself.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

SHORTEST_S = 1e-9


@dataclass(frozen=True)
class TimedPath:
    """Commands at the control clock; `arrives` is how many of them come before each waypoint is reached."""

    commands: Float[np.ndarray, "step 4"]
    arrives: Int[np.ndarray, " n"]


def retime(
    start: Float[np.ndarray, " 4"],
    waypoints: Float[np.ndarray, "n 4"],
    speed_m_s: Float[np.ndarray, " n"],
    turn_rad_s: float,
    rate_hz: float,
) -> TimedPath:
    """Commands that lead from `start` through all waypoints.

    Args:
        start: The command now; it is not repeated.
        waypoints: x, y, z [m] and yaw [rad].
        speed_m_s: On the way to each waypoint.
        turn_rad_s: Fastest change of yaw.
        rate_hz: Of the control clock.
    """
    path = np.concatenate([start[None], waypoints])
    legs = np.diff(path, axis=0)
    times_s = np.maximum(np.linalg.norm(legs[:, :3], axis=1) / speed_m_s, np.abs(legs[:, 3]) / turn_rad_s)
    due_s = np.concatenate([[0.0], np.cumsum(times_s)])
    n_commands = max(1, int(np.ceil(due_s[-1] * rate_hz - SHORTEST_S)))
    clock_s = np.minimum(np.arange(1, n_commands + 1) / rate_hz, due_s[-1])
    strictly_s = due_s + SHORTEST_S * np.arange(len(due_s))  # waypoints that coincide have an order
    commands = np.stack([np.interp(clock_s, strictly_s, path[:, axis]) for axis in range(4)], axis=1)
    commands[-1] = path[-1]
    return TimedPath(commands, np.searchsorted(clock_s, due_s[1:] - SHORTEST_S))
