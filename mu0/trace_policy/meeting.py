"""Where gripper and target meet and part, read from their traces.

    tool(s)     pose of the tool at step s: the rigid motion of the gripper's points (Kabsch) after its pose
    target(s)   the rigid motion of the target's points from now to step s
    grip(s)     target(s)^-1 tool(s): where the tool would hold the target in its place of now

While the target is carried, grip(s) stands still, whatever both do. So the steps at which it does are those
between meeting and parting, and its middle there is the grasp: no corner of the path has to be found, which
is what curves with few control points round off.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mu0.geometry.rigid import apply, fit_rigid, from_parts, invert, nearest_rigid

FLAT_M = 2e-3
FEWEST_HELD = 3


@dataclass(frozen=True)
class MeetingSetting:
    """From where on the target counts as moved, and how far grips may differ to be the same one."""

    moved_m: float = 0.03
    same_grip_m: float = 0.02


@dataclass(frozen=True)
class Meeting:
    """One future of the tool.

    Attributes:
        tool: Poses, step 0 is now; only steps that exist.
        grip: Where the tool holds the target in its place of now; None if the target is not carried.
        first: Step of the first carried pose.
        last: Step of the last one.
        parts: Whether the target is left behind after `last`.
    """

    tool: Float[np.ndarray, "step 4 4"]
    grip: Float[np.ndarray, "4 4"] | None
    first: int
    last: int
    parts: bool


def rigid_motions(points_m: Float[np.ndarray, "q step 3"]) -> Float[np.ndarray, "step 4 4"]:
    """Motion from step 0 to every step; without turning where the points are too few or in a line."""
    start = points_m[:, 0]
    spread_m = np.linalg.svd(start - start.mean(axis=0), compute_uv=False)
    if len(start) < 3 or spread_m[1] < FLAT_M:
        shift = (points_m - points_m[:, :1]).mean(axis=0)
        return from_parts(np.broadcast_to(np.eye(3), (len(shift), 3, 3)), shift)
    later = points_m.swapaxes(0, 1)
    return fit_rigid(np.broadcast_to(start, later.shape), later)


def mean_pose(poses: Float[np.ndarray, "n 4 4"]) -> Float[np.ndarray, "4 4"]:
    """Median place, mean rotation."""
    mean = from_parts(poses[:, :3, :3].mean(axis=0), np.median(poses[:, :3, 3], axis=0))
    return nearest_rigid(mean)


def meet(
    gripper_m: Float[np.ndarray, "g step 3"],
    target_m: Float[np.ndarray, "t step 3"],
    base_from_tool: Float[np.ndarray, "4 4"],
    setting: MeetingSetting,
    *,
    held_now: bool,
) -> Meeting:
    """Read one future.

    Args:
        gripper_m: Points of the gripper, only steps that exist.
        target_m: Points of the target.
        base_from_tool: The tool now.
        setting: What counts as the same grip.
        held_now: The target rides on the tool already, so all steps from now on may be carried ones.
    """
    tool = rigid_motions(gripper_m) @ base_from_tool
    target = rigid_motions(target_m)
    grips = invert(target) @ tool
    centre_m = target_m[:, 0].mean(axis=0)
    moved_m = np.linalg.norm(np.stack([apply(motion, centre_m) for motion in target]) - centre_m, axis=1)
    apart_m = np.linalg.norm(grips[:, None, :3, 3] - grips[None, :, :3, 3], axis=-1)
    held = _largest_group(apart_m < setting.same_grip_m, (moved_m > setting.moved_m) | held_now)
    steps = np.flatnonzero(held)
    if len(steps) < (1 if held_now else FEWEST_HELD):
        return Meeting(tool, None, 0, 0, parts=False)
    grip = mean_pose(grips[held])
    return Meeting(tool, grip, int(steps[0]), int(steps[-1]), parts=bool(steps[-1] < len(tool) - 1))


def _largest_group(
    alike: Bool[np.ndarray, "step step"], counts: Bool[np.ndarray, " step"]
) -> Bool[np.ndarray, " step"]:
    """Of the steps that count, the largest group whose grips are like one of theirs."""
    among = alike & counts[None] & counts[:, None]
    return among[int(among.sum(axis=1).argmax())]
