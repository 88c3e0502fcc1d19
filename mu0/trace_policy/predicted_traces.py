"""Predicted traces: any predictor asked about gripper and target together, and a finder of the target.

The predictor is μ0, a baseline or TraceGen; it sees the picture and uvz anchors and knows nothing of robots.
What is held is not looked for: it rides on the tool from where it was last found.
"""

import numpy as np
from jaxtyping import Float

from mu0.geometry.rigid import apply, invert
from mu0.interfaces import AbstractTracePredictor
from mu0.records import Queries
from mu0.trace_policy.sources import AbstractTargetFinder, AbstractTraceSource, Futures, Moment
from mu0.trace_policy.steady_finder import SteadyFinder

LIKELY = 0.5
HELD_WITHIN_M = 0.06  # from the TCP to the middle of what is held


class PredictedTraces(AbstractTraceSource):
    """A predictor and a finder as a source.

    Args:
        predictor: Says where keypoints go.
        finder: Says where the named thing is.
        n_samples: Futures per question.
    """

    def __init__(
        self, predictor: AbstractTracePredictor, finder: AbstractTargetFinder, n_samples: int = 4
    ) -> None:
        self._predictor, self._finder, self._n_samples = predictor, SteadyFinder(finder), n_samples
        self._in_tool_m: Float[np.ndarray, "t 3"] | None = None

    def reset(self, seed: int) -> None:  # noqa: ARG002 - each question has a seed of its own
        """Nothing is held, and nothing was found yet."""
        self._in_tool_m = None
        self._finder.reset()

    def look(self, moment: Moment) -> Futures:
        """Sampled futures.

        Raises:
            UnknownObjectError: Nothing is called as the instruction says.
            PredictionError: The predictor cannot answer.
        """
        base_from_tool = moment.tool.base_from_tool
        if moment.holding and self._in_tool_m is not None:
            held_m = self._in_tool_m
            if np.linalg.norm(held_m.mean(axis=0)) > HELD_WITHIN_M:  # seen elsewhere: then it was not seen
                held_m = held_m - held_m.mean(axis=0)
            target_m = apply(base_from_tool, held_m)
        else:
            target_m = self._finder.find(moment)
            self._in_tool_m = apply(invert(base_from_tool), target_m)
        now = moment.view.uvz(np.concatenate([moment.gripper_m, target_m]))
        queries = Queries(now.astype(np.float32))
        answer = self._predictor.predict(moment.observation, queries, self._n_samples, moment.seed)
        start = np.broadcast_to(now[None, :, None], (len(answer.uvz), len(now), 1, 3))
        points_m = moment.view.base_m(np.concatenate([start, answer.uvz.astype(np.float64)], axis=2))
        likely = answer.valid_probability.mean(axis=1) > LIKELY
        known = np.concatenate([np.ones((len(likely), 1), bool), likely], axis=1)
        n_gripper = len(moment.gripper_m)
        valid = np.logical_and.accumulate(known, axis=1)
        return Futures(points_m[:, :n_gripper], points_m[:, n_gripper:], valid)
