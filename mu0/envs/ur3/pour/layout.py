"""What a seed decides about a scene with cup and bowl: places, colours, light, camera.

Where things stand and how the scene looks is drawn before the colours of the tableware, so a level that shows
other tableware changes nothing else.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mu0.envs.levels import LEVELS, Level
from mu0.envs.surroundings import Surroundings, draw_surroundings, looking_different, seen_from_elsewhere
from mu0.envs.ur3.pour.vessels import Tableware, tableware_at

CUP_AREA_M = np.array([[0.22, 0.36], [-0.17, -0.03]])  # x and y range
BOWL_AREA_M = np.array([[0.26, 0.32], [0.17, 0.23]])
ANY_CUP_M = np.array([[0.20, 0.38], [-0.20, -0.02]])  # level `layouts`; mirrored for the other side
ANY_BOWL_M = np.array([[0.24, 0.33], [0.16, 0.24]])
ALMOND_RGB = np.array([0.66, 0.42, 0.24])
PHRASES = (
    "pour the almonds into the {bowl}",
    "pour the almonds from the {cup} into the {bowl}",
    "empty the {cup} into the {bowl}",
    "tip the almonds into the {bowl}",
)


@dataclass(frozen=True)
class PourLayout:
    """Everything about a scene that does not move by itself; places in the robot's base frame."""

    seed: int
    cup_name: str
    bowl_name: str
    cup_xy_m: Float[np.ndarray, " 2"]
    cup_yaw_rad: float
    bowl_xy_m: Float[np.ndarray, " 2"]
    cup_rgb: Float[np.ndarray, " 3"]
    bowl_rgb: Float[np.ndarray, " 3"]
    almond_rgb: Float[np.ndarray, " 3"]
    surroundings: Surroundings


def draw_pour_layout(seed: int, level: Level = "in_distribution") -> PourLayout:
    """The layout that belongs to `seed`, as different as `level` says."""
    layout = _usual_layout(seed, tableware_at(level))
    if LEVELS[level].moves_places:
        return _elsewhere(layout, np.random.default_rng([seed, 3]))
    if LEVELS[level].changes_looks:
        surroundings = looking_different(layout.surroundings, np.random.default_rng([seed, 4]))
        return replace(layout, surroundings=surroundings)
    return layout


def pour_instruction(layout: PourLayout, rng: np.random.Generator) -> str:
    """One way to say what is to be done."""
    return str(rng.choice(PHRASES)).format(cup=layout.cup_name, bowl=layout.bowl_name)


def _usual_layout(seed: int, tableware: Tableware) -> PourLayout:
    rng = np.random.default_rng([seed, 0])
    cup_xy_m = rng.uniform(CUP_AREA_M[:, 0], CUP_AREA_M[:, 1])
    bowl_xy_m = rng.uniform(BOWL_AREA_M[:, 0], BOWL_AREA_M[:, 1])
    cup_yaw_rad = float(rng.uniform(-np.pi, np.pi))
    almond_rgb = np.clip(ALMOND_RGB * rng.uniform(0.8, 1.2) + rng.normal(0, 0.03, 3), 0, 1)
    surroundings = draw_surroundings(rng)
    colours = [str(name) for name in rng.choice(list(tableware.colours), 2, replace=False)]
    cup_rgb, bowl_rgb = (
        np.clip(np.array(tableware.colours[name]) + rng.normal(0, 0.03, 3), 0, 1) for name in colours
    )
    return PourLayout(
        seed=seed,
        cup_name=f"{colours[0]} {tableware.cup.name}",
        bowl_name=f"{colours[1]} {tableware.bowl.name}",
        cup_xy_m=cup_xy_m,
        cup_yaw_rad=cup_yaw_rad,
        bowl_xy_m=bowl_xy_m,
        cup_rgb=cup_rgb,
        bowl_rgb=bowl_rgb,
        almond_rgb=almond_rgb,
        surroundings=surroundings,
    )


def _elsewhere(layout: PourLayout, rng: np.random.Generator) -> PourLayout:
    """Cup and bowl anywhere, the bowl on either side; the camera mirrored with it, and moved besides."""
    side = float(rng.choice([-1.0, 1.0]))
    mirror = np.array([1.0, side])
    return replace(
        layout,
        cup_xy_m=rng.uniform(ANY_CUP_M[:, 0], ANY_CUP_M[:, 1]) * mirror,
        bowl_xy_m=rng.uniform(ANY_BOWL_M[:, 0], ANY_BOWL_M[:, 1]) * mirror,
        surroundings=seen_from_elsewhere(layout.surroundings, side, rng),
    )
