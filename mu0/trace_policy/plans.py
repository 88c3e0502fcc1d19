"""From futures to a way: read every sample, agree on one goal, follow the sample that stands for it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mu0.trace_policy.agreement import AgreementSetting, agree
from mu0.trace_policy.embodiment import Embodiment, ToolState, command_of
from mu0.trace_policy.meeting import Meeting, meet
from mu0.trace_policy.sources import Futures
from mu0.trace_policy.ways import Way, way_along, way_to


@dataclass(frozen=True)
class PlanSetting:
    """Heights: above a grasp and above a place the way is straight; elsewhere it is not lower than clear."""

    above_grasp_m: float = 0.12
    above_place_m: float = 0.07
    clearance_m: float = 0.16


@dataclass(frozen=True)
class Plan:
    """A way, and the command that it starts from."""

    start: Float[np.ndarray, " 4"]
    way: Way


def plan_motion(
    futures: Futures,
    tool: ToolState,
    embodiment: Embodiment,
    setting: PlanSetting,
    agreement: AgreementSetting,
    *,
    carries: bool,
) -> Plan | None:
    """The way to the grasp, or with `carries` to the place; None if the samples do not agree.

    Raises:
        WorkspaceError: What they agree on lies outside.
    """
    start = tool.command.copy()
    meetings = [_read(futures, sample, tool, carries=carries) for sample in range(len(futures.valid))]
    goals = [_goal(meeting, start, carries=carries) for meeting in meetings]
    agreed = agree(goals, agreement)
    if agreed is None:
        return None
    meeting = meetings[agreed.sample]
    poses = meeting.tool[1 : (meeting.last if carries else meeting.first) + 1]
    path = _commands(poses, start)
    if carries and not meeting.parts:
        return Plan(start, way_along(start, path, embodiment, setting.clearance_m))
    standoff_m = setting.above_place_m if carries else setting.above_grasp_m
    way = way_to(start, path, agreed.goal, embodiment, standoff_m=standoff_m, clearance_m=setting.clearance_m)
    return Plan(start, way)


def _read(futures: Futures, sample: int, tool: ToolState, *, carries: bool) -> Meeting:
    n_valid = int(futures.valid[sample].sum())
    gripper_m, target_m = futures.gripper_m[sample, :, :n_valid], futures.target_m[sample, :, :n_valid]
    return meet(gripper_m, target_m, tool.base_from_tool, held_now=carries)


def _goal(
    meeting: Meeting, start: Float[np.ndarray, " 4"], *, carries: bool
) -> Float[np.ndarray, " 4"] | None:
    """Where the tool grasps or lets go; None if the sample does not carry the target."""
    if meeting.grip is None or (carries and meeting.last == 0):
        return None
    return command_of(meeting.tool[meeting.last] if carries else meeting.grip, float(start[3]))


def _commands(poses: Float[np.ndarray, "n 4 4"], start: Float[np.ndarray, " 4"]) -> Float[np.ndarray, "n 4"]:
    """Poses as commands whose yaw does not jump."""
    commands, yaw = [], float(start[3])
    for pose in poses:
        commands.append(command_of(pose, yaw))
        yaw = float(commands[-1][3])
    return np.array(commands).reshape(-1, 4)
