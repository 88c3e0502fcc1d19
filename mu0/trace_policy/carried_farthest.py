"""A finder of where a soft thing is taken and where it goes: at the part that the world model sends farthest.

Of a folded towel the named thing is a whole layer, and a hand in its middle takes nothing. But its points do
not move alike: those at the free hem go twice as far as those halfway, and those at the fold stay. So points
all over the thing are asked about together. The place is the middle of those that go farthest, and how they
go is the way that the hand will drag them. Later, when a corner is to be dragged, it is asked in the same
manner, of all that lies there if nothing is found by its name any more.
"""

import numpy as np
from jaxtyping import Float

from mu0.geometry.camera import unproject
from mu0.geometry.rigid import apply, invert
from mu0.model.predictor import TracePredictor
from mu0.records import Observation, Queries
from mu0.trace_policy.named_finder import FEWEST_PIXELS, Measured, NamedFinder
from mu0.trace_policy.one_surface import likeliest_surface
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.view import CalibratedView

NEAR_SHARE = 0.25  # of the picture's width: a towel is larger than what is picked
ABOVE_M = 0.003  # one layer is 8 mm thick
FLAT_M = 0.06  # what rises higher is no cloth on the table
HAND_M = 0.05  # from the TCP along the table: what is seen there may be the hand
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
        super().__init__(predictor, table_m, near_share=NEAR_SHARE, above_m=ABOVE_M)

    def measure(self, observation: Observation, view: CalibratedView) -> Measured:
        """The middle of what goes farthest, and its way along the table, base frame [m].

        Without depth the place is the thing's own, and there is no way.

        Raises:
            UnknownObjectError: Nothing is called as the instruction says, and nothing lies on the table.
        """
        try:
            found = self.ask(observation)
            points_m = self.surface(found, observation, view)
        except UnknownObjectError:
            points_m = self._lying(observation, view)
            if points_m is None:
                raise
        if points_m is None:
            return self.on_the_table(found, observation, view), None
        points_m = points_m[:: max(1, len(points_m) // N_POINTS)][:N_POINTS]
        way_m = self._way_m(points_m, observation, view)
        length_m = np.linalg.norm(way_m, axis=1)
        is_far = length_m >= np.quantile(length_m, 1 - FAR_SHARE)
        return points_m[is_far].mean(axis=0), way_m[is_far, :2].mean(axis=0)

    def _lying(self, observation: Observation, view: CalibratedView) -> Float[np.ndarray, "n 3"] | None:
        """The largest flat thing on the table, beside the hand; None where nothing is seen of one."""
        depth_m, state = observation.depth_m, observation.proprioception
        if depth_m is None or state is None:
            return None
        y, x = np.mgrid[tuple(map(slice, depth_m.shape))]
        pixel = np.stack([x, y, np.where(depth_m > 0, depth_m, 1)], axis=-1).astype(np.float64)
        every_m = apply(invert(view.camera_from_base), unproject(pixel, view.intrinsics))
        height_m = every_m[..., 2] - self._table_m
        beside_hand = np.linalg.norm(every_m[..., :2] - state[-3:-1], axis=-1) > HAND_M
        flat = (depth_m > 0) & (height_m > ABOVE_M) & (height_m < FLAT_M) & beside_hand
        points_m = every_m[likeliest_surface(every_m, flat, np.ones(flat.shape))]
        return points_m if len(points_m) >= FEWEST_PIXELS else None

    def _way_m(
        self, points_m: Float[np.ndarray, "n 3"], observation: Observation, view: CalibratedView
    ) -> Float[np.ndarray, "n 3"]:
        """From each point to where it gets farthest from its place, in the mean over samples."""
        way_m = np.zeros_like(points_m)
        n_groups = -(-len(points_m) // GROUP)
        for first in range(n_groups):  # every n-th, so that each question is about the whole thing
            asked = points_m[first::n_groups]
            queries = Queries(view.uvz(asked).astype(np.float32))
            answer = self._predictor.predict(observation, queries, N_SAMPLES, SEED)
            moved_m = view.base_m(answer.uvz.astype(np.float64)) - asked[None, :, None]
            moved_m *= (answer.valid_probability > LIKELY)[..., None]
            farthest = np.linalg.norm(moved_m, axis=-1).argmax(axis=2)[..., None, None]
            way_m[first::n_groups] = np.take_along_axis(moved_m, farthest, axis=2)[:, :, 0].mean(axis=0)
        return way_m
