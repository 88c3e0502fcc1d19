"""A finder without detector, label or action: the thing is where traces say that something will move.

A grid of points on the table is asked about, a group at a time; its score is the probability that a point
moves, or, of predictors that do not tell it, how far it goes. What the hand hides does not count. The place
is the mean of the neighbourhood of the best cell, weighted by score.

Needs a predictor that has been asked about resting points in training; others let the whole table fly.

Source
    reference/traces_for_control.md §7, with another read-out: .9 cm median where one thing lies, the wrong
    thing where several do.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mu0.interfaces import AbstractTracePredictor
from mu0.records import Queries
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.sources import AbstractTargetFinder, Moment

POINTS_AROUND = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1.0]])


@dataclass(frozen=True)
class TableGrid:
    """Where to ask.

    Attributes:
        area_m: Lowest and highest x and y of the table, base frame.
        height_m: Of the points: the middle of small things.
        spacing_m: Between them.
        group: Points per question, as many as in training.
        around_m: How far the answer's points lie from its place.
        hand_uv: What is nearer to the hand in the picture does not count.
        least_moves: Probability below which nothing is found.
        least_way_m: The same for predictors that tell no probability.
    """

    area_m: Float[np.ndarray, "2 2"]
    height_m: float = 0.03
    spacing_m: float = 0.02
    group: int = 24
    around_m: float = 0.02
    hand_uv: float = 0.1
    least_moves: float = 0.5
    least_way_m: float = 0.05

    def points_m(self) -> Float[np.ndarray, "n 3"]:
        """All points, base frame."""
        (x_low, x_high), (y_low, y_high) = self.area_m
        x, y = np.meshgrid(
            np.arange(x_low, x_high, self.spacing_m), np.arange(y_low, y_high, self.spacing_m), indexing="ij"
        )
        return np.stack([x.ravel(), y.ravel(), np.full(x.size, self.height_m)], axis=1)


class MovingThing(AbstractTargetFinder):
    """Finds by asking a predictor.

    Args:
        predictor: Of traces.
        grid: Where to ask.
        seed: Which points are asked about together.
    """

    def __init__(self, predictor: AbstractTracePredictor, grid: TableGrid, seed: int = 0) -> None:
        self._predictor, self._grid, self._seed = predictor, grid, seed

    def find(self, moment: Moment) -> Float[np.ndarray, "t 3"]:
        """Points around the place where most motion is foreseen.

        Raises:
            UnknownObjectError: Nothing on the table is expected to move.
        """
        grid_m = self._grid.points_m()
        grid_m = grid_m[moment.view.shows(grid_m)]
        grid_m = grid_m[self._is_beside_the_hand(grid_m, moment)]
        score, least = self._scores(grid_m, moment)
        if len(score) == 0 or score.max() < least:
            raise UnknownObjectError(
                f"Nothing on the table is expected to move when asked to {moment.observation.instruction!r}.",
                expected="a thing that the predictor's training has shown in motion",
                remedy="name the thing as in training, or use another finder.",
            )
        place_m = _best_place(grid_m, score, self._grid.spacing_m)
        return place_m + self._grid.around_m * POINTS_AROUND

    def _is_beside_the_hand(self, grid_m: Float[np.ndarray, "n 3"], moment: Moment) -> Bool[np.ndarray, " n"]:
        grid_uv, hand_uv = moment.view.uvz(grid_m)[:, :2], moment.view.uvz(moment.gripper_m)[:, :2]
        away = np.linalg.norm(grid_uv[:, None] - hand_uv[None], axis=-1)
        return away.min(axis=1) > self._grid.hand_uv

    def _scores(
        self, grid_m: Float[np.ndarray, "n 3"], moment: Moment
    ) -> tuple[Float[np.ndarray, " n"], float]:
        """Score of every point, and the least one that counts."""
        order = np.random.default_rng(self._seed).permutation(len(grid_m))
        score, least = np.zeros(len(grid_m)), self._grid.least_way_m
        for first in range(0, len(order), self._grid.group):
            asked = order[first : first + self._grid.group]
            queries = Queries(moment.view.uvz(grid_m[asked]).astype(np.float32))
            answer = self._predictor.predict(moment.observation, queries, 1, moment.seed)
            if answer.moves is not None:
                score[asked], least = answer.moves, self._grid.least_moves
                continue
            path_m = moment.view.base_m(answer.uvz[0].astype(np.float64))
            score[asked] = np.linalg.norm(path_m - grid_m[asked][:, None], axis=-1).max(axis=1)
        return score, least


def _best_place(
    grid_m: Float[np.ndarray, "n 3"], score: Float[np.ndarray, " n"], spacing_m: float
) -> Float[np.ndarray, " 3"]:
    """The cell whose neighbourhood scores highest; the mean of what scores there."""
    away_m = np.linalg.norm(grid_m[:, None] - grid_m[None], axis=-1)
    beside = away_m < 1.5 * spacing_m
    best = int(((beside * score).sum(axis=1) / beside.sum(axis=1)).argmax())
    near = away_m[best] < 2.3 * spacing_m
    weight = np.maximum(score[near] - 0.5 * score[near].max(), 0.0)
    return weight @ grid_m[near] / weight.sum()
