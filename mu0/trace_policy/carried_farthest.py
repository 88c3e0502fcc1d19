"""A finder of where a soft thing is taken: at the part that the world model sends farthest.

Of a folded towel the named thing is a whole layer, and a hand in its middle takes nothing. But its points do
not move alike: those at the free hem go twice as far as those halfway, and those at the fold stay. So points
all over the thing are asked about together, and the answer is the middle of those that go farthest. How a
thing lies says nothing of how a hem is held, so nothing is told of that.
"""

import numpy as np
from jaxtyping import Float

from mu0.model.predictor import TracePredictor
from mu0.records import Observation, Queries
from mu0.trace_policy.named_finder import Measured, NamedFinder
from mu0.trace_policy.view import CalibratedView

NEAR_SHARE = 0.25  # of the picture's width: a towel is larger than what is picked
N_POINTS, GROUP = 48, 24  # per question as many as in training
N_SAMPLES = 4
FAR_SHARE = 0.25  # of the points
SEED = 0
LIKELY = 0.5


class CarriedFarthest(NamedFinder):
    """Asks a world model where the named thing is, and which part of it goes farthest.

    Args:
        predictor: Of a model that was trained with `named_images`.
        table_m: Height of the table, base frame.
    """

    def __init__(self, predictor: TracePredictor, table_m: float = 0.0) -> None:
        super().__init__(predictor, table_m, near_share=NEAR_SHARE)

    def measure(self, observation: Observation, view: CalibratedView) -> Measured:
        """The middle of what goes farthest, base frame; without depth the thing's own.

        Raises:
            UnknownObjectError: Nothing is called as the instruction says.
        """
        found = self.ask(observation)
        points_m = self.surface(found, observation, view)
        if points_m is None:
            return self.on_the_table(found, observation, view), None
        points_m = points_m[:: max(1, len(points_m) // N_POINTS)][:N_POINTS]
        way_m = self._way_m(points_m, observation, view)
        return points_m[way_m >= np.quantile(way_m, 1 - FAR_SHARE)].mean(axis=0), None

    def _way_m(
        self, points_m: Float[np.ndarray, "n 3"], observation: Observation, view: CalibratedView
    ) -> Float[np.ndarray, " n"]:
        """How far each point gets from its place, in the mean over samples."""
        way_m = np.zeros(len(points_m))
        n_groups = -(-len(points_m) // GROUP)
        for first in range(n_groups):  # every n-th, so that each question is about the whole thing
            asked = points_m[first::n_groups]
            queries = Queries(view.uvz(asked).astype(np.float32))
            answer = self._predictor.predict(observation, queries, N_SAMPLES, SEED)
            path_m = view.base_m(answer.uvz.astype(np.float64))
            is_known = answer.valid_probability > LIKELY
            apart_m = np.linalg.norm(path_m - asked[None, :, None], axis=-1)
            way_m[first::n_groups] = np.where(is_known, apart_m, 0).max(axis=2).mean(axis=0)
        return way_m
