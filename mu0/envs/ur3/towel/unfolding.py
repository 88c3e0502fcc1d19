"""A scripted expert of unfold towel: drags points of the hem to where they belong, looking before each drag.

    look ── the flat towel that fits the lower half best ── the point farthest from its place ── drag it

The middle of the free hem goes first. It stops when the towel covers enough or all drags are used up. A
drag is reach, grasp, lift, transport, place, release, retreat.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from mu0.envs.ur3.script import Phase, Scripted, follow
from mu0.envs.ur3.towel.cloth import CREASE_ROW, HEM, N_SIDE, flat_points
from mu0.envs.ur3.towel.towel_environment import TowelEnvironment

GOOD_COVERAGE = 0.95
MOST_DRAGS = 8
HOVER_M, CARRY_M, GRASP_M, PUT_M = 0.08, 0.05, 0.016, 0.02
OVERSHOOT_M = 0.008
NEAR = 2  # points of the grid
FREE_MIDDLE = N_SIDE * N_SIDE - N_SIDE // 2


def demonstrate_unfolding(
    environment: TowelEnvironment, disturbance: np.random.Generator | None = None
) -> Iterator[Scripted]:
    """Yield phase, wanted and executed action for the episode that `environment` has just been reset to.

    The caller executes each before it asks for the next.

    Args:
        environment: Has just been reset.
        disturbance: Draws the disturbances; None executes what is wanted.
    """
    return follow(plan_unfolding(environment), environment, disturbance)


def plan_unfolding(environment: TowelEnvironment) -> Iterator[Phase]:
    """Drag after drag, each as the towel lies there when its turn comes."""
    point = FREE_MIDDLE
    for _ in range(MOST_DRAGS):
        points_m = environment.points_m()[:, :2].copy()
        goals_m = places_m(points_m, environment.layout.size_m)
        yield from _drag(points_m[point], goals_m[point], environment.layout.yaw_rad)
        if environment.coverage >= GOOD_COVERAGE:
            break
        point = _farthest_off(environment, besides=point)


def _farthest_off(environment: TowelEnvironment, besides: int) -> int:
    """The point of the hem that is farthest from its place, not near the one that was just dragged."""
    points_m = environment.points_m()[:, :2]
    distance_m = np.linalg.norm(places_m(points_m, environment.layout.size_m) - points_m, axis=1)
    rows, columns = np.divmod(HEM, N_SIDE)
    row, column = divmod(besides, N_SIDE)
    others = HEM[np.maximum(abs(rows - row), abs(columns - column)) > NEAR]
    return int(others[distance_m[others].argmax()])


def places_m(
    points_m: Float[np.ndarray, "100 2"], size_m: Float[np.ndarray, " 2"]
) -> Float[np.ndarray, "100 2"]:
    """Where each point belongs in the flat towel that fits best to the lower half.

    Source: least-squares rigid fit, Kabsch 1976, in the plane.
    """
    flat = flat_points(size_m)
    lower = slice(0, (CREASE_ROW + 1) * N_SIDE)
    flat_centre, centre = flat[lower].mean(axis=0), points_m[lower].mean(axis=0)
    a, b = flat[lower] - flat_centre, points_m[lower] - centre
    angle = np.arctan2((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum(), (a * b).sum())
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (flat - flat_centre) @ turn.T + centre


def _drag(start_m: Float[np.ndarray, " 2"], goal_m: Float[np.ndarray, " 2"], yaw_rad: float) -> list[Phase]:
    way = goal_m - start_m
    end_m = goal_m + OVERSHOOT_M * way / max(float(np.linalg.norm(way)), 1e-9)
    yaw = (yaw_rad + np.pi / 2) % np.pi - np.pi / 2

    def at(share: float, height_m: float) -> Float[np.ndarray, " 4"]:
        place_m = start_m + share * (end_m - start_m)
        return np.array([*place_m, height_m, yaw])

    return [
        Phase("reach", at(0.0, HOVER_M), closed=False, speed_m_s=0.2, noise_share=1.0),
        Phase("reach", at(0.0, GRASP_M), closed=False, speed_m_s=0.16, noise_share=1.0),
        Phase("grasp", at(0.0, GRASP_M), closed=True, speed_m_s=0.16, wait_steps=3),
        Phase("lift", at(0.3, CARRY_M), closed=True, speed_m_s=0.2),
        Phase("transport", at(0.75, CARRY_M), closed=True, speed_m_s=0.2, noise_share=0.5),
        Phase("place", at(1.0, PUT_M), closed=True, speed_m_s=0.16, wait_steps=1),
        Phase("release", at(1.0, PUT_M), closed=False, speed_m_s=0.16, wait_steps=2),
        Phase("retreat", at(1.0, HOVER_M), closed=False, speed_m_s=0.25),
    ]
