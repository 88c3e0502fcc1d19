"""A finder without detector, label or action: the map of the named thing, measured by depth.

The world model says where in the picture the thing is (`mu0.model.grounding`); depth says where that is in
the base frame. What stands above the table there is the thing. Its back is hidden: seen from the side it is
taken to be as deep as it is wide, or as what is seen of it, whichever is more. A long thing is not: its ends
are seen, and the points of the answer lie along it, so that whoever grasps knows how it lies.

Without depth the place is taken at `height_m` above the table, which a thing that is higher or lower misses
by about the difference.
"""

from typing import TypeAlias

import cv2
import numpy as np
from jaxtyping import Float

from mu0.errors import PredictionError
from mu0.geometry.camera import unproject
from mu0.geometry.rigid import apply, invert
from mu0.model.grounding import Grounding, ground
from mu0.model.predictor import TracePredictor
from mu0.records import Observation
from mu0.trace_policy.lying import points_along
from mu0.trace_policy.moving_thing import POINTS_AROUND
from mu0.trace_policy.one_surface import likeliest_surface
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.sources import AbstractTargetFinder, Moment
from mu0.trace_policy.view import CalibratedView

ON_THING = 0.25  # of the map's peak
NEAR_SHARE = 0.12  # of the picture's width, around the place: as large as what is picked
ABOVE_TABLE_M = 0.008
LIFTED_M = 0.04  # what is seen no lower does not stand on the table
FEWEST_PIXELS = 4
ENDS = (2, 98)  # percentiles
LONG = 2.2  # times as long as wide, as far as it is seen; a ball looks half as deep as it is wide at most
Measured: TypeAlias = tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 2"] | None]


class NamedFinder(AbstractTargetFinder):
    """Asks a world model where the named thing is.

    Args:
        predictor: Of a model that was trained with `named_images`.
        table_m: Height of the table, base frame.
        height_m: Of a thing's middle above it, where nothing measures depth.
        around_m: How far the answer's points lie from its place.
        near_share: How far from its place the map counts, of the picture's width.
        above_m: How far above the table the thing begins to be seen.
    """

    def __init__(
        self,
        predictor: TracePredictor,
        table_m: float = 0.0,
        height_m: float = 0.03,
        around_m: float = 0.02,
        *,
        near_share: float = NEAR_SHARE,
        above_m: float = ABOVE_TABLE_M,
    ) -> None:
        self._predictor = predictor
        self._table_m, self._height_m, self._around_m = table_m, height_m, around_m
        self._near_share, self._above_m = near_share, above_m

    def find(self, moment: Moment) -> Float[np.ndarray, "5 3"]:
        """Points around the thing's middle.

        Raises:
            UnknownObjectError: Nothing is called as the instruction says.
        """
        middle_m, along = self.measure(moment.observation, moment.view)
        around = POINTS_AROUND if along is None else points_along(along)
        return middle_m + self._around_m * around

    def measure(self, observation: Observation, view: CalibratedView) -> Measured:
        """The thing's middle, base frame, and which way along the table it lies if it is long.

        Raises:
            UnknownObjectError: Nothing is called as the instruction says.
        """
        found = self.ask(observation)
        points_m = self.surface(found, observation, view)
        if points_m is None:
            return self.on_the_table(found, observation, view), None
        xy_m, along = _middle(points_m[:, :2], view.eye_m[:2])
        low_m, high_m = np.percentile(points_m[:, 2], ENDS)
        foot_m = low_m if low_m > self._table_m + LIFTED_M else self._table_m
        return np.array([*xy_m, (foot_m + high_m) / 2]), along

    def ask(self, observation: Observation) -> Grounding:
        """Where the world model sees what the instruction names.

        Raises:
            UnknownObjectError: Nothing is called as the instruction says.
        """
        try:
            return ground(self._predictor, observation)
        except PredictionError as error:
            raise UnknownObjectError(error.found, expected=error.expected, remedy=error.remedy) from error

    def surface(
        self, found: Grounding, observation: Observation, view: CalibratedView
    ) -> Float[np.ndarray, "n 3"] | None:
        """Points on the thing, base frame; None without depth, or where too little of the thing is seen."""
        depth_m = observation.depth_m
        if depth_m is None:
            return None
        heat = _heat(found, depth_m.shape, self._near_share)
        likely = (heat > ON_THING * found.confidence) & (depth_m > 0)
        if not likely.any():
            return None
        box = tuple(slice(ends.min(), ends.max() + 1) for ends in np.nonzero(likely))
        y, x = np.mgrid[box]
        pixel = np.stack([x, y, np.where(likely, depth_m, 1)[box]], axis=-1).astype(np.float64)
        every_m = apply(invert(view.camera_from_base), unproject(pixel, view.intrinsics))
        stands_out = likely[box] & (every_m[..., 2] > self._table_m + self._above_m)
        points_m = every_m[likeliest_surface(every_m, stands_out, heat[box])]
        return None if len(points_m) < FEWEST_PIXELS else points_m

    def on_the_table(
        self, found: Grounding, observation: Observation, view: CalibratedView
    ) -> Float[np.ndarray, " 3"]:
        """Where the ray through the place is as high as things are.

        Raises:
            UnknownObjectError: It never is: the place lies above the table's horizon.
        """
        ray = apply(
            invert(view.camera_from_base), unproject(np.array([*found.place_px, 1.0]), view.intrinsics)
        )
        eye_m = view.eye_m
        if ray[2] >= eye_m[2]:
            place_px = np.round(found.place_px).tolist()
            raise UnknownObjectError(
                f"What {observation.instruction!r} names is found at {place_px} px, above the table's "
                "horizon.",
                expected="a thing on the table",
                remedy="look at the camera's calibration, or give the policy depth.",
            )
        share = (self._table_m + self._height_m - eye_m[2]) / (ray[2] - eye_m[2])
        return eye_m + share * (ray - eye_m)


def _middle(
    points_m: Float[np.ndarray, "n 2"], eye_m: Float[np.ndarray, " 2"]
) -> tuple[Float[np.ndarray, " 2"], Float[np.ndarray, " 2"] | None]:
    """The middle of what is seen and hidden, and the direction of a long thing."""
    _, directions = np.linalg.eigh(np.cov((points_m - points_m.mean(axis=0)).T))
    low, high = np.percentile(points_m @ directions, ENDS, axis=0)
    short_m, long_m = high - low
    if long_m > LONG * short_m:
        return directions @ ((low + high) / 2), directions[:, 1]
    away = points_m.mean(axis=0) - eye_m
    away /= np.linalg.norm(away)
    across = np.array([-away[1], away[0]])
    (near, left), (far, right) = np.percentile(points_m @ np.stack([away, across]).T, ENDS, axis=0)
    deep_m = max(far - near, right - left)
    return (near + deep_m / 2) * away + (left + right) / 2 * across, None


def _heat(found: Grounding, shape: tuple[int, ...], near_share: float) -> Float[np.ndarray, "h w"]:
    """How likely each pixel near the place is on the thing."""
    height, width = shape
    heat = cv2.resize(found.heat.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    near = np.hypot(x - found.place_px[0], y - found.place_px[1]) < near_share * width
    return np.where(near, heat, 0).astype(np.float64)
