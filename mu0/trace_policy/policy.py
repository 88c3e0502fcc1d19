"""The trace policy: a controller without learning that does what traces of gripper and target foresee.

    reach     ask, go along the traces to above the grasp, come down; asks again while it is above
    grasp     close; an empty hand is a miss
    lift      straight up, then look: a target that lies below is a miss
    carry     ask, go along the traces to above the place where they part, come down
    release   open
    retreat   straight up
    done      stay
    back_off  after a miss: open, straight up, then reach again
    gave_up   after too many misses: stay, open

Traces say where, `meeting.py` reads it; the clock and the limits are the tool's (`clock.py`, `ways.py`). What
cannot be done is refused by name before anything is commanded (`refusals.py`). One action per question, so
`ChunkExecutor(policy, 1)` plays it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from mu0.interfaces import AbstractPolicy
from mu0.records import ActionChunk, Observation
from mu0.trace_policy.agreement import AgreementSetting
from mu0.trace_policy.asking import ask, make_moment, require_calibration
from mu0.trace_policy.embodiment import Embodiment, ToolState
from mu0.trace_policy.plans import Plan, PlanSetting, common_goal, plan_way, read_samples
from mu0.trace_policy.refusals import DisagreementError, ReachError, UnknownObjectError
from mu0.trace_policy.sources import AbstractTraceSource, Futures
from mu0.trace_policy.view import CalibratedView
from mu0.trace_policy.ways import Way, straight

Phase = Literal["reach", "grasp", "lift", "carry", "release", "retreat", "done", "back_off", "gave_up"]
CLOSED: tuple[Phase, ...] = ("grasp", "lift", "carry")
NEARER_M = 0.005  # along the table; less is no progress
Reach = Callable[[Float[np.ndarray, " 4"], Float[np.ndarray, "step 4"]], None]


@dataclass(frozen=True)
class TracePolicySetting:
    """How often it asks, what counts as held, when it stops trying.

    `lifted_m`: height after a grasp, a release and a miss. `left_within_m`: across, from the TCP to a target
    that was left behind. `patience`: questions in a row whose traces may disagree. `most_detours`: questions
    in a row after which it may be no nearer to its goal; then it goes straight.
    """

    ask_every: int = 4
    lifted_m: float = 0.20
    left_within_m: float = 0.06
    most_misses: int = 3
    patience: int = 10
    most_detours: int = 3
    plans: PlanSetting = field(default_factory=PlanSetting)
    agreement: AgreementSetting = field(default_factory=AgreementSetting)


class TracePolicy(AbstractPolicy):
    """See the module header.

    Args:
        source: Of the traces.
        embodiment: The tool.
        read_tool: The tool's state from an observation's `proprioception`.
        view: The camera of this moment; None where it is not calibrated.
        reach: Raises if the arm cannot follow commands; None does not ask.
        setting: Of the policy.
    """

    def __init__(
        self,
        source: AbstractTraceSource,
        embodiment: Embodiment,
        read_tool: Callable[[Float[np.ndarray, " n"] | None], ToolState],
        view: Callable[[], CalibratedView | None],
        *,
        reach: Reach | None = None,
        setting: TracePolicySetting | None = None,
    ) -> None:
        self._source, self._embodiment = source, embodiment
        self._read_tool, self._view, self._reach = read_tool, view, reach
        self._setting = setting or TracePolicySetting()
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Start an episode."""
        self._source.reset(seed)
        self._seed = seed
        self.phase: Phase = "reach"
        self.n_asks, self.n_misses, self.source_s = 0, 0, 0.0
        self.futures: Futures | None = None  # of the last question
        self._way, self._closed_z_m = Way(), 0.0
        self._waits, self._since_ask, self._n_unsure = 0, 0, 0
        self._nearest_m, self._n_detours = np.inf, 0
        self._foreseen: list[Float[np.ndarray, " 4"] | None] = []  # goals of this phase so far

    @property
    def looks_next(self) -> bool:
        """Whether the next question needs a new picture; the robot's state it always needs."""
        if self.phase in ("reach", "carry"):
            return self._is_due(self._since_ask + 1) or not (self._way.commands or self._way.ends)
        return self.phase in ("lift", "back_off") and not self._way.commands

    def predict_action_chunk(self, observation: Observation) -> ActionChunk:
        """The next action: x, y, z, yaw of the tool, and whether it is closed.

        Raises:
            PolicyError: One of `mu0.trace_policy.refusals`; nothing was commanded.
        """
        tool = self._read_tool(observation.proprioception)
        command = self._next(observation, tool)
        closed = float(self.phase in CLOSED)
        return ActionChunk(np.array([*command, closed])[None], self._embodiment.rate_hz)

    def _next(self, observation: Observation, tool: ToolState) -> Float[np.ndarray, " 4"]:
        if self.phase in ("reach", "carry"):
            return self._travel(observation, tool)
        if self.phase in ("grasp", "release"):
            return self._wait(tool)
        if self._way.commands:
            return self._way.pop()
        if self.phase == "lift":
            return self._look_whether_it_came(observation, tool)
        if self.phase == "back_off":
            self._enter("reach")
            return self._travel(observation, tool)
        if self.phase == "retreat":
            self._enter("done")
        return tool.command

    def _travel(self, observation: Observation, tool: ToolState) -> Float[np.ndarray, " 4"]:
        """Along the traces; asks anew as long as the way may be replaced."""
        if self.phase == "carry" and tool.closed > self._embodiment.empty_above:
            return self._miss(tool)
        self._since_ask += 1
        if self._is_due(self._since_ask) or not (self._way.commands or self._way.ends):
            futures = self._look(observation, tool, holding=self.phase == "carry")
            self._follow(self._within_reach(futures, tool))
        if self._way.commands:
            return self._way.pop()
        if self._way.ends:
            self._enter("grasp" if self.phase == "reach" else "release")
            self._closed_z_m = float(tool.command[2])
            self._waits = self._embodiment.close_steps
        return tool.command

    def _is_due(self, since_ask: int) -> bool:
        """Whether a way that may be replaced is old enough."""
        return since_ask > self._setting.ask_every and self._way.free > 0

    def _wait(self, tool: ToolState) -> Float[np.ndarray, " 4"]:
        """Until the fingers have closed or opened."""
        self._waits -= 1
        if self._waits > 0:
            return tool.command
        if self.phase == "grasp" and tool.closed > self._embodiment.empty_above:
            return self._miss(tool)
        self._enter("lift" if self.phase == "grasp" else "retreat", rises=tool)
        return self._way.pop()

    def _look_whether_it_came(self, observation: Observation, tool: ToolState) -> Float[np.ndarray, " 4"]:
        """A target that still lies below the tool after lifting was missed.

        Fingers that hold something have told so already. A target that is found elsewhere, or not at all, is
        hidden in the hand: whoever looks for it has learned how it looks untouched.
        """
        try:
            futures = self._look(observation, tool, holding=False)
        except UnknownObjectError:
            futures = None
        if futures is not None:
            middle_m = futures.target_m[:, :, 0].mean(axis=(0, 1)) - tool.base_from_tool[:3, 3]
            is_below = bool(np.linalg.norm(middle_m[:2]) < self._setting.left_within_m)
            if is_below and middle_m[2] < -(tool.command[2] - self._closed_z_m) / 2:
                return self._miss(tool)
        self._enter("carry")
        return self._travel(observation, tool)

    def _miss(self, tool: ToolState) -> Float[np.ndarray, " 4"]:
        """Open, go up, and begin again; or give up."""
        self.n_misses += 1
        if self.n_misses > self._setting.most_misses:
            self._enter("gave_up")
            return tool.command
        self._enter("back_off", rises=tool)
        opening = [tool.command.copy()] * self._embodiment.close_steps
        self._way.commands = [*opening, *self._way.commands]
        return self._way.pop()

    def _enter(self, phase: Phase, *, rises: ToolState | None = None) -> None:
        """Begin a phase, with a way straight up for a tool that `rises`."""
        self.phase, self._way = phase, Way()
        self._since_ask, self._n_unsure = 0, 0
        self._nearest_m, self._n_detours = np.inf, 0
        self._foreseen = []
        if rises is not None:
            up = rises.command.copy()
            up[2] = max(up[2], self._setting.lifted_m)
            self._way = straight(rises.command, up, self._embodiment)

    def _look(self, observation: Observation, tool: ToolState, *, holding: bool) -> Futures:
        view = require_calibration(self._view())
        seed = 1000 * self._seed + self.n_asks
        moment = make_moment(observation, view, tool, self._embodiment, holding=holding, seed=seed)
        started_s = time.perf_counter()
        futures = ask(self._source, moment)
        self.source_s += time.perf_counter() - started_s
        self.n_asks += 1
        self.futures = futures
        self._since_ask = 0
        return futures

    def _within_reach(self, futures: Futures, tool: ToolState) -> Plan | None:
        """The plan; straight to its goal, then also as low as may be, if the arm cannot follow.

        Raises:
            ReachError: It cannot do any of these.
        """
        carries = self.phase == "carry"
        readings = read_samples(futures, tool, self._setting.plans, carries=carries)
        earlier, agreement = [], self._setting.agreement
        if carries and self._setting.plans.place_at == "target":
            earlier = self._foreseen
            agreement = replace(agreement, within_m=agreement.places_within_m)
        found = common_goal(readings, earlier, tool.command.copy(), agreement, carries=carries)
        self._foreseen = [*self._foreseen, *(reading.goal for reading in readings if reading.ends)]
        if found is None:
            return None
        usual, lowest = self._setting.plans, self._setting.plans.heights_m[0]
        low = replace(usual, heights_m=(lowest, lowest))
        tries = [(usual, False), (usual, True), (low, True)]
        refused = None
        for setting, is_direct in tries[1:] if self._n_detours >= self._setting.most_detours else tries:
            plan = plan_way(found, self._embodiment, setting, straight=is_direct)
            if self._reach is None:
                return plan
            try:
                self._reach(plan.start, np.stack(plan.way.commands))
            except ReachError as error:
                refused = error
            else:
                return plan
        assert refused is not None
        raise refused

    def _follow(self, plan: Plan | None) -> None:
        """Take the new way; without one go on along the old, but not for ever."""
        if plan is None:
            self._n_unsure += 1
            if self._n_unsure > self._setting.patience:
                raise DisagreementError(
                    f"The traces disagreed {self._n_unsure} times in a row in phase {self.phase}.",
                    expected=f"{self._setting.agreement.share:.0%} of the samples with one goal, to "
                    f"{100 * self._setting.agreement.within_m:.0f} cm",
                    remedy="name one thing, ask for more samples, or train the predictor on such scenes.",
                )
            return
        away_m = float(np.linalg.norm(plan.goal[:2] - plan.start[:2]))
        self._n_detours = 0 if away_m < self._nearest_m - NEARER_M else self._n_detours + 1
        self._nearest_m = min(self._nearest_m, away_m)
        self._way, self._n_unsure = plan.way, 0
