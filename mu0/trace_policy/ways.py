"""The way to a goal: along the traces as long as they are away from it, then straight down the tool's axis.

Curves of few control points round corners off, so near the goal they cut through what should be avoided. The
way therefore leaves them: it stays high until it is above the goal, waits for nothing there, and comes down.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from mu0.trace_policy.clock import retime
from mu0.trace_policy.embodiment import Embodiment
from mu0.trace_policy.refusals import WorkspaceError

SLACK_M = 0.03
BESIDE_M = 0.03
LONGER = 1.4  # times the straight way; traces lead farther around by their errors, not to avoid something


@dataclass
class Way:
    """Commands that are still to be given.

    Attributes:
        commands: One after another.
        free: How many of them may be replaced by a newer plan; after that the last way is straight.
        ends: Whether it ends at a goal; otherwise one has to ask again.
    """

    commands: list[Float[np.ndarray, " 4"]] = field(default_factory=list)
    free: int = 0
    ends: bool = False

    def pop(self) -> Float[np.ndarray, " 4"]:
        """The next command."""
        self.free = max(0, self.free - 1)
        return self.commands.pop(0)


def straight(start: Float[np.ndarray, " 4"], goal: Float[np.ndarray, " 4"], embodiment: Embodiment) -> Way:
    """From here to there, inside the workspace, whatever traces say."""
    goal = np.array([*np.clip(goal[:3], *embodiment.workspace_m.T), goal[3]])
    speed = np.array([embodiment.speed_m_s])
    timed = retime(start, goal[None], speed, embodiment.turn_rad_s, embodiment.rate_hz)
    return Way(list(timed.commands), ends=True)


def way_to(
    start: Float[np.ndarray, " 4"],
    path: Float[np.ndarray, "n 4"],
    goal: Float[np.ndarray, " 4"],
    embodiment: Embodiment,
    *,
    standoff_m: float,
    heights_m: tuple[float, float],
) -> Way:
    """Along `path`, to `standoff_m` above the goal, down to it.

    Args:
        start: The command now.
        path: Poses of the tool that traces foresee.
        goal: Where the way ends.
        embodiment: Its limits.
        standoff_m: From here on the way is straight, slow, and no longer replaced.
        heights_m: Before that no command is lower or higher.

    Raises:
        WorkspaceError: Path or goal lead out of the workspace.
    """
    require_workspace(np.concatenate([path, goal[None]]), embodiment)
    kept = _before(goal, path).copy()
    kept[:, 2] = np.clip(kept[:, 2], *heights_m)
    above = goal + np.array([0.0, 0.0, standoff_m, 0.0])
    above[2] = max(above[2], min(heights_m[0], goal[2] + 2 * standoff_m))
    above[2] = max(goal[2], min(above[2], heights_m[1]))
    waypoints = np.concatenate([kept, above[None], goal[None]])
    waypoints[:, :3] = np.clip(waypoints[:, :3], *embodiment.workspace_m.T)
    speed = np.full(len(waypoints), embodiment.speed_m_s)
    speed[-1] = embodiment.slow_m_s
    timed = retime(start, waypoints, speed, embodiment.turn_rad_s, embodiment.rate_hz)
    return Way(list(timed.commands), free=int(timed.arrives[-2]), ends=True)


def _before(goal: Float[np.ndarray, " 4"], path: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "m 4"]:
    """The part that leads to the goal: until it is beside it, or as near as it comes."""
    if not len(path):
        return path
    away_m = np.linalg.norm(path[:, :2] - goal[:2], axis=1)
    beside = np.flatnonzero(away_m <= BESIDE_M)
    return path[: int(beside[0]) if len(beside) else int(away_m.argmin()) + 1]


def is_detour(
    start: Float[np.ndarray, " 4"], path: Float[np.ndarray, "n 4"], goal: Float[np.ndarray, " 4"]
) -> bool:
    """Whether the way along the table is much longer than the straight one."""
    way_m = np.concatenate([start[None, :2], _before(goal, path)[:, :2], goal[None, :2]])
    length_m = np.linalg.norm(np.diff(way_m, axis=0), axis=1).sum()
    return bool(length_m > LONGER * np.linalg.norm(goal[:2] - start[:2]) + BESIDE_M)


def way_along(
    start: Float[np.ndarray, " 4"],
    path: Float[np.ndarray, "n 4"],
    embodiment: Embodiment,
    heights_m: tuple[float, float],
) -> Way:
    """Along `path`, whose end is not the goal yet.

    Raises:
        WorkspaceError: It leads out of the workspace.
    """
    require_workspace(path, embodiment)
    waypoints = path.copy()
    waypoints[:, 2] = np.clip(waypoints[:, 2], *heights_m)
    waypoints[:, :3] = np.clip(waypoints[:, :3], *embodiment.workspace_m.T)
    speed = np.full(len(waypoints), embodiment.speed_m_s)
    timed = retime(start, waypoints, speed, embodiment.turn_rad_s, embodiment.rate_hz)
    return Way(list(timed.commands), free=len(timed.commands))


def require_workspace(path: Float[np.ndarray, "n 4"], embodiment: Embodiment) -> None:
    """Refuse what lies outside by more than a curve's rounding.

    Raises:
        WorkspaceError: A pose does.
    """
    low, high = embodiment.workspace_m.T
    outside_m = np.maximum(low - path[:, :3], path[:, :3] - high).max(axis=1)
    if outside_m.max() > SLACK_M:
        step = int(outside_m.argmax())
        place = np.round(path[step, :3], 3).tolist()
        raise WorkspaceError(
            f"The traces leave the workspace by {100 * outside_m[step]:.0f} cm: {place} m in step {step}.",
            expected=f"x, y, z between {low.tolist()} and {high.tolist()} m",
            remedy="look at the camera's calibration and at the depth of the traces.",
        )
