"""Extracted traces: what TraceExtract saw in a video of the same scene, retold from where the tool is now.

The video shows one demonstration; its robot log says where the tool was, its camera is the policy's. Rows on
the rigid part of the gripper are told by the tool's pose at their anchor; rows on the target by where it
rested before it was grasped, and by their tracks from then on. The anchor is the one with enough rows whose
tool is nearest to the tool of now, and the way from here to there is added in front.

Clock time (`raw_traj`) is retold in steps of path length, because rows of different groups have steps of
their own.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.episodes.arrays import EpisodeArrays, Samples
from mu0.geometry.camera import uvz_from_trace
from mu0.geometry.rigid import apply, invert
from mu0.trace_policy.embodiment import Embodiment, ToolState
from mu0.trace_policy.path_steps import PathSteps
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.sources import AbstractTargetFinder, AbstractTraceSource, Futures, Moment
from mu0.trace_policy.view import CalibratedView

AROUND_TOOL_M, AROUND_TARGET_M = 0.02, 0.05
RIDES_M = 0.06
FEWEST_ROWS = 3
KEPT_SHARE = 0.9
TRIED = 8  # anchors, the nearest first


Rows = tuple[Float[np.ndarray, "t n 3"], Bool[np.ndarray, " n"]]


@dataclass(frozen=True)
class ExtractedDemonstration:
    """An episode and its robot log, one tool per kept frame."""

    episode: EpisodeArrays
    tools: list[ToolState]


class ExtractedTraces(AbstractTraceSource):
    """Traces of one demonstration of the scene that is acted in.

    Args:
        demonstration: Of a still camera, with depth.
        finder: Says where the target rests.
        embodiment: The tool.
        steps: What a trace keeps of a motion.
    """

    def __init__(
        self,
        demonstration: ExtractedDemonstration,
        finder: AbstractTargetFinder,
        embodiment: Embodiment,
        steps: PathSteps,
    ) -> None:
        self._demonstration, self._finder, self._steps = demonstration, finder, steps
        rigid_m = embodiment.closed_m[np.abs(embodiment.opening_m).max(axis=1) == 0]
        self._low_m, self._high_m = rigid_m.min(axis=0) - AROUND_TOOL_M, rigid_m.max(axis=0) + AROUND_TOOL_M
        self._target_tracks: Int[np.ndarray, " n"] | None = None  # known from the first look on
        self._rested_m = np.zeros(3)

    def reset(self, seed: int) -> None:  # noqa: ARG002 - a video draws nothing
        """The target has to be found again."""
        self._target_tracks = None

    def look(self, moment: Moment) -> Futures:
        """The demonstration's rest, one sample.

        Raises:
            UnknownObjectError: Too few rows lie on the target or on the gripper.
        """
        found_m = self._finder.find(moment).mean(axis=0)
        if self._target_tracks is None:
            self._rested_m = found_m
            self._target_tracks = self._tracks_near(found_m, moment.view)
        slot, (points_m, on_target) = self._nearest_rows(moment)
        was = self._demonstration.tools[int(self._samples.frame_indices[slot])]
        now_from_was = moment.tool.base_from_tool @ invert(was.base_from_tool)
        gripper_m, target_m = points_m[:, ~on_target], points_m[:, on_target]
        now_m = np.concatenate(
            [
                apply(now_from_was, gripper_m[0]),
                self._target_now_m(target_m[0], found_m, now_from_was, moment.tool),
            ]
        )
        rest_m = np.concatenate([gripper_m, target_m], axis=1)
        traces_m, exists = self._steps(np.concatenate([now_m[None], rest_m]), moment.view)
        n = gripper_m.shape[1]
        return Futures(traces_m[None, :n], traces_m[None, n:], exists[None])

    def _target_now_m(
        self,
        was_m: Float[np.ndarray, "n 3"],
        found_m: Float[np.ndarray, " 3"],
        now_from_was: Float[np.ndarray, "4 4"],
        tool: ToolState,
    ) -> Float[np.ndarray, "n 3"]:
        """Rows on the target, put where it is now: on the closed tool, or where it was found."""
        if not tool.closing:
            return was_m + found_m - self._rested_m
        if np.linalg.norm(found_m - tool.base_from_tool[:3, 3]) < RIDES_M:
            return apply(now_from_was, was_m)
        return was_m + found_m - was_m.mean(axis=0)

    @property
    def _samples(self) -> Samples:
        samples = self._demonstration.episode.samples
        assert samples is not None, "an episode with rows"
        return samples

    @property
    def _track_ids(self) -> Int[np.ndarray, " n"]:
        extras = self._demonstration.episode.extras
        assert extras is not None
        assert extras.track_ids is not None, "an episode of our own extraction"
        return extras.track_ids

    def _nearest_rows(self, moment: Moment) -> tuple[int, Rows]:
        """The nearest anchor with enough rows, and these."""
        slots = self._slots_by_distance(moment.tool)[:TRIED]
        for slot in slots:
            if (rows := self._rows(slot, moment.view)) is not None:
                return slot, rows
        raise self._too_few(slots[0])

    def _slots_by_distance(self, tool: ToolState) -> list[int]:
        """Anchors whose tool is as closed, the nearest first; before the first grasp if it is open."""
        tools = self._demonstration.tools
        closing = np.array([state.closing for state in tools])
        fits = closing if tool.closing else np.cumsum(closing) == 0
        away_m = np.array(
            [np.linalg.norm(state.base_from_tool[:3, 3] - tool.base_from_tool[:3, 3]) for state in tools]
        )
        frames = self._samples.frame_indices
        order = np.argsort(np.where(fits[frames], away_m[frames], np.inf), kind="stable")
        return [int(slot) for slot in order]

    def _rows(self, slot: int, view: CalibratedView) -> Rows | None:
        """Points of an anchor on gripper and target over time, base frame, and which are the target's."""
        assert self._target_tracks is not None
        samples = self._samples
        rows = samples.rows(slot)
        lasts = samples.raw_valid_steps[rows].sum(axis=1)
        points_m = _base_m(samples.raw_traj[rows], view)
        on_target = np.isin(self._track_ids[rows], self._target_tracks)
        on_tool = self._is_on_tool(points_m[:, 0], slot) & ~on_target
        used = np.zeros(len(lasts), bool)
        for mine in (on_target, on_tool):
            kept = mine & (lasts >= KEPT_SHARE * lasts[mine].max(initial=0))
            if kept.sum() < FEWEST_ROWS:
                return None
            used |= kept
        return points_m[used, : int(lasts[used].min())].swapaxes(0, 1), on_target[used]

    def _is_on_tool(self, points_m: Float[np.ndarray, "n 3"], slot: int) -> Bool[np.ndarray, " n"]:
        """Which points of an anchor lie on the rigid part of the gripper."""
        tool = self._demonstration.tools[int(self._samples.frame_indices[slot])]
        local_m = apply(invert(tool.base_from_tool), points_m)
        return ((local_m > self._low_m) & (local_m < self._high_m)).all(axis=1)

    def _too_few(self, slot: int) -> UnknownObjectError:
        assert self._target_tracks is not None
        n_rows = int(np.isin(self._track_ids[self._samples.rows(slot)], self._target_tracks).sum())
        return UnknownObjectError(
            f"{n_rows} extracted traces lie on the target, too few there or on the gripper.",
            expected=f"at least {FEWEST_ROWS} on each that last equally long",
            remedy="extract with more keypoints (extract.n_keypoints) or larger pictures.",
        )

    def _tracks_near(self, place_m: Float[np.ndarray, " 3"], view: CalibratedView) -> Int[np.ndarray, " n"]:
        """Tracks that lay on the target before the grasp."""
        samples, found = self._samples, set[int]()
        for slot, frame in enumerate(samples.frame_indices):
            tool = self._demonstration.tools[int(frame)]
            if tool.closing:
                break
            rows = samples.rows(slot)
            here_m = _base_m(samples.raw_traj[rows, :1], view)[:, 0]
            near = np.linalg.norm(here_m - place_m, axis=1) < AROUND_TARGET_M
            away = np.linalg.norm(tool.base_from_tool[:3, 3] - place_m) > 2 * AROUND_TARGET_M
            found |= set(self._track_ids[rows][near & away & ~self._is_on_tool(here_m, slot)].tolist())
        return np.array(sorted(found), int)


def _base_m(trace: Float[np.ndarray, "n t 3"], view: CalibratedView) -> Float[np.ndarray, "n t 3"]:
    """Rows of a still camera in the base frame; padding becomes the first step."""
    known = np.where(np.isfinite(trace), trace, trace[:, :1]).astype(np.float64)
    return view.base_m(uvz_from_trace(known, view.height_px, view.width_px))
