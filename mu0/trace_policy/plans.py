"""From futures to a way: read every sample, agree on one goal, follow the sample that stands for it.

Reading costs most and is done once per question (`read_samples`); ways to its goal are cheap (`plan_way`).
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float

from mu0.trace_policy.agreement import AgreementSetting, agree
from mu0.trace_policy.embodiment import Embodiment, ToolState, command_of
from mu0.trace_policy.lying import yaw_across
from mu0.trace_policy.meeting import Meeting, MeetingSetting, meet
from mu0.trace_policy.sources import Futures
from mu0.trace_policy.ways import Way, is_detour, way_along, way_to

JUST_BEFORE = 4  # steps; the tool may be lowest a little before the target is farthest


@dataclass(frozen=True)
class PlanSetting:
    """How traces become a way.

    Attributes:
        above_grasp_m: From here down to a grasp the way is straight.
        above_place_m: The same for a place.
        heights_m: Elsewhere no command is lower or higher.
        grasp_at: `grip`, where traces say that the tool holds the target; or `target`, the middle of its
            points, across it if they show that it is long, so that of the grasp traces say the direction at
            most: for predictors that know better where things are than how they are held.
        place_at: `grip`, where traces say that tool and target part; or `target`, where the target's path
            goes farthest from where it is now, and then what was foreseen since it was taken counts as well:
            for predictors whose curves round corners off and so fall short of them.
        meeting: What counts as held.
    """

    above_grasp_m: float = 0.12
    above_place_m: float = 0.07
    heights_m: tuple[float, float] = (0.16, 0.26)
    grasp_at: Literal["grip", "target"] = "grip"
    place_at: Literal["grip", "target"] = "grip"
    meeting: MeetingSetting = field(default_factory=MeetingSetting)


@dataclass(frozen=True)
class Plan:
    """A way, the command that it starts from, and the goal that it leads to or towards."""

    start: Float[np.ndarray, " 4"]
    way: Way
    goal: Float[np.ndarray, " 4"]


@dataclass(frozen=True)
class Reading:
    """One sample: how tool and target move, and where the tool grasps or lets go; None if it never does."""

    meeting: Meeting
    goal: Float[np.ndarray, " 4"] | None
    ends: bool  # the target comes to rest before the sample is over


@dataclass(frozen=True)
class CommonGoal:
    """What the samples agree on: from the command now, along one of them, to the grasp or the place."""

    start: Float[np.ndarray, " 4"]
    goal: Float[np.ndarray, " 4"]
    along: Reading
    carries: bool


def read_samples(futures: Futures, tool: ToolState, setting: PlanSetting, *, carries: bool) -> list[Reading]:
    """Where each sample grasps, or with `carries` lets go."""
    return [_read(futures, sample, tool, setting, carries=carries) for sample in range(len(futures.valid))]


def common_goal(
    readings: list[Reading],
    earlier: list[Float[np.ndarray, " 4"] | None],
    start: Float[np.ndarray, " 4"],
    agreement: AgreementSetting,
    *,
    carries: bool,
) -> CommonGoal | None:
    """The goal of these samples and of those before; None if they do not agree."""
    goals = [reading.goal for reading in readings]
    agreed = agree([*goals, *earlier], agreement, float(start[3]))
    if agreed is None:
        return None
    away_m = [np.inf if goal is None else float(np.linalg.norm((goal - agreed.goal)[:3])) for goal in goals]
    sample = agreed.sample if agreed.sample < len(goals) else int(np.argmin(away_m))
    return CommonGoal(start, agreed.goal, readings[sample], carries)


def plan_way(
    found: CommonGoal, embodiment: Embodiment, setting: PlanSetting, *, straight: bool = False
) -> Plan:
    """The way there; a `straight` one leaves out what traces foresee before the goal.

    Raises:
        WorkspaceError: It leads outside.
    """
    start, goal, meeting, carries = found.start, found.goal, found.along.meeting, found.carries
    poses = meeting.tool[1 : (meeting.last if carries else meeting.first) + 1]
    path = _commands(poses, start)
    path[:, 3] = start[3] + (goal[3] - start[3]) * np.arange(1, len(path) + 1) / max(len(path), 1)
    if carries and not found.along.ends:
        path = goal[None] if straight else path
        return Plan(start, way_along(start, path, embodiment, setting.heights_m), goal)
    standoff_m = setting.above_place_m if carries else setting.above_grasp_m
    leads_astray = not carries and is_detour(start, path, goal)
    path = path[:0] if straight or leads_astray else path
    way = way_to(start, path, goal, embodiment, standoff_m=standoff_m, heights_m=setting.heights_m)
    return Plan(start, way, goal)


def _read(futures: Futures, sample: int, tool: ToolState, setting: PlanSetting, *, carries: bool) -> Reading:
    n_valid = int(futures.valid[sample].sum())
    gripper_m, target_m = futures.gripper_m[sample, :, :n_valid], futures.target_m[sample, :, :n_valid]
    meeting = meet(gripper_m, target_m, tool.base_from_tool, setting.meeting, held_now=carries)
    start = tool.command
    goal = _goal(meeting, start, carries=carries)
    if carries and setting.place_at == "target":
        goal = _where_it_ends(meeting, target_m.mean(axis=0), start if goal is None else goal, start)
        return Reading(meeting, goal, ends=meeting.parts or n_valid < futures.valid.shape[1])
    if not carries and setting.grasp_at == "target":
        goal = _at_target(goal, start, target_m[:, 0])
    return Reading(meeting, goal, ends=meeting.parts)


def _goal(
    meeting: Meeting, start: Float[np.ndarray, " 4"], *, carries: bool
) -> Float[np.ndarray, " 4"] | None:
    """Where the tool grasps or lets go; None if the sample does not carry the target."""
    if meeting.grip is None or (carries and meeting.last == 0):
        return None
    return command_of(meeting.tool[meeting.last] if carries else meeting.grip, float(start[3]))


def _where_it_ends(
    meeting: Meeting,
    target_m: Float[np.ndarray, "step 3"],
    turned: Float[np.ndarray, " 4"],
    start: Float[np.ndarray, " 4"],
) -> Float[np.ndarray, " 4"] | None:
    """The tool above the target's farthest point, as low as it is from then on; None if it goes nowhere."""
    away_m = np.linalg.norm(target_m[:, :2] - target_m[0, :2], axis=1)
    farthest = int(away_m.argmax())
    if farthest == 0:
        return None
    low_m = meeting.tool[max(farthest - JUST_BEFORE, 0) :, 2, 3].min()
    return np.array([*(start[:2] + target_m[farthest, :2] - target_m[0, :2]), low_m, turned[3]])


def _at_target(
    goal: Float[np.ndarray, " 4"] | None, start: Float[np.ndarray, " 4"], target_m: Float[np.ndarray, "t 3"]
) -> Float[np.ndarray, " 4"]:
    """The target's middle; across a long one, else turned as the sample grasps it, or as the tool is now."""
    yaw = yaw_across(target_m, float(start[3]))
    turned = (start if goal is None else goal)[3] if yaw is None else yaw
    return np.array([*target_m.mean(axis=0), turned])


def _commands(poses: Float[np.ndarray, "n 4 4"], start: Float[np.ndarray, " 4"]) -> Float[np.ndarray, "n 4"]:
    """Poses as commands whose yaw does not jump."""
    commands, yaw = [], float(start[3])
    for pose in poses:
        commands.append(command_of(pose, yaw))
        yaw = float(commands[-1][3])
    return np.array(commands).reshape(-1, 4)
