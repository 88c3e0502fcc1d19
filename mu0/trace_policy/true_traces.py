"""True traces: what the simulator's undisturbed demonstration does next, told as traces tell it.

The upper bound of every predictor. The demonstration is played in a twin of the world, from its state of the
first question on; it is played anew when the target no longer lies where that demonstration began, as after a
missed grasp. A question gets the rest of it, from the moment that is nearest to the tool.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from mu0.envs.ur3.arm_world import WORKSPACE_M
from mu0.envs.ur3.demonstrator import demonstrate_by_phase
from mu0.envs.ur3.environment import Ur3Environment
from mu0.geometry.rigid import apply
from mu0.trace_policy.embodiment import Embodiment, ToolState
from mu0.trace_policy.path_steps import PathSteps
from mu0.trace_policy.refusals import WorkspaceError
from mu0.trace_policy.sources import AbstractTraceSource, Futures, Moment
from mu0.trace_policy.told_target import target_local_m, target_pose
from mu0.trace_policy.ur3 import read_ur3

SHIFTED_M = 0.005
CARRIED = ("lift", "transport", "place")


@dataclass(frozen=True)
class _Demonstration:
    """One demonstration over time; `carries`: the target is in the hand."""

    tool: Float[np.ndarray, "t 4 4"]
    closed: Float[np.ndarray, " t"]
    target: Float[np.ndarray, "t 4 4"]
    carries: Bool[np.ndarray, " t"]

    def nearest(self, tool: ToolState) -> int:
        """The moment that a tool is at: among the carrying ones if it is closed, else before them."""
        first, last = np.flatnonzero(self.carries)[[0, -1]]
        away_m = np.linalg.norm(self.tool[:, :3, 3] - tool.base_from_tool[:3, 3], axis=1)
        if tool.closing:
            return int(first + away_m[first : last + 1].argmin())
        return int(away_m[:first].argmin())


class TrueTraces(AbstractTraceSource):
    """Perfect traces of the world that `environment` is.

    Args:
        environment: The world that is acted in; it is only looked at.
        embodiment: Whose keypoints are asked about.
        steps: What a trace keeps of a motion.
    """

    def __init__(self, environment: Ur3Environment, embodiment: Embodiment, steps: PathSteps) -> None:
        self._environment = environment
        self._embodiment = embodiment
        self._steps = steps
        self._twin = Ur3Environment(render=False, level=environment.level)
        self._demonstration: _Demonstration | None = None

    def reset(self, seed: int) -> None:  # noqa: ARG002 - the truth draws nothing
        """Forget the demonstration."""
        self._demonstration = None

    def look(self, moment: Moment) -> Futures:
        """The rest of the demonstration, one sample.

        Raises:
            WorkspaceError: The target lies where the demonstrator never arrives.
        """
        target_now = target_pose(self._environment)
        if self._demonstration is None or self._is_shifted(target_now, moment.tool):
            self._demonstration = self._play()
        demonstration = self._demonstration
        rest = slice(demonstration.nearest(moment.tool) + 1, None)
        local_m = target_local_m()
        gripper = [
            self._embodiment.points_m(pose, float(closed))[moment.keypoint]
            for pose, closed in zip(demonstration.tool[rest], demonstration.closed[rest], strict=True)
        ]
        target = [apply(pose, local_m) for pose in (target_now, *demonstration.target[rest])]
        points_m = np.concatenate([np.stack([moment.gripper_m, *gripper]), np.stack(target)], axis=1)
        traces_m, valid = self._steps(points_m, moment.view)
        n_gripper = len(moment.keypoint)
        return Futures(traces_m[None, :n_gripper], traces_m[None, n_gripper:], valid[None])

    def _is_shifted(self, target_now: Float[np.ndarray, "4 4"], tool: ToolState) -> bool:
        """Whether an open hand would look for the target in the wrong place."""
        assert self._demonstration is not None
        began_m = self._demonstration.target[0, :3, 3]
        return not tool.closing and bool(np.linalg.norm(target_now[:3, 3] - began_m) > SHIFTED_M)

    def _play(self) -> _Demonstration:
        """Demonstrate in the twin, from the present state of the world.

        Raises:
            WorkspaceError: The target lies where the demonstrator's hand never arrives.
        """
        world, twin = self._environment, self._twin
        place_m = target_pose(world)[:2, 3]
        if (np.clip(place_m, *WORKSPACE_M[:2].T) != place_m).any():
            raise WorkspaceError(
                f"The demonstrator's hand does not arrive at the target, which lies at {place_m.round(3)} m.",
                expected="a target in the workspace",
                remedy="put it back; something has pushed it away.",
            )
        twin.restore(world.snapshot())
        turn = target_pose(world)[:3, :3]
        twin.target = replace(world.target, yaw_rad=float(np.arctan2(turn[1, 0], turn[0, 0])))
        tool, target, carries = [], [], []
        for phase, _, executed in demonstrate_by_phase(twin):
            tool.append(read_ur3(twin.state()))
            target.append(target_pose(twin))
            carries.append(phase in CARRIED)
            twin.advance(executed)
        return _Demonstration(
            np.stack([state.base_from_tool for state in tool]),
            np.array([state.closed for state in tool]),
            np.stack(target),
            np.array(carries),
        )
