"""Cups and bowls of thin flat walls around a floor, and the almonds, as MJCF.

A vessel stands on its origin; its walls lean outwards from the floor's radius to the rim's. MuJoCo's shapes
are convex, so a hollow thing is made of boxes; twelve look round and pour evenly. Almonds are capsules of
18 x 10 mm.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mu0.envs.levels import LEVELS, Level
from mu0.envs.objects import COLOURS, UNSEEN, UNSEEN_COLOURS

ALMOND_RADIUS_M, ALMOND_HALF_LENGTH_M, ALMOND_KG = 0.005, 0.004, 0.0012
OVERLAP = 1.05  # of neighbouring walls, so that nothing slips between them
FAST_FLOOR_M = 0.04  # thickness of a bowl's, down into the table: a falling almond would pass a thinner one


@dataclass(frozen=True)
class Vessel:
    """The shape of a cup or a bowl; radii are from the axis to the middle of a wall."""

    name: str
    n_walls: int
    floor_radius_m: float
    rim_radius_m: float
    height_m: float
    thickness_m: float

    @property
    def lean_rad(self) -> float:
        """By how much a wall leans outwards."""
        return float(np.arctan2(self.rim_radius_m - self.floor_radius_m, self.height_m))

    def holds(self, places_m: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, " n"]:
        """Which places in the vessel's own frame lie between its walls, above its floor and below its rim."""
        height_m = places_m[:, 2]
        share = np.clip(height_m / self.height_m, 0, 1)
        radius_m = self.floor_radius_m + share * (self.rim_radius_m - self.floor_radius_m)
        towards = np.arange(self.n_walls) * 2 * np.pi / self.n_walls
        outward: Float[np.ndarray, "n wall"] = places_m[:, :2] @ np.stack([np.cos(towards), np.sin(towards)])
        is_between = outward.max(axis=1) < radius_m
        return is_between & (height_m > 0) & (height_m < self.height_m)


@dataclass(frozen=True)
class Tableware:
    """Which cup, bowl and colours a scene may show.

    `grasp_height_m` is where the gripper's TCP closes on the cup, above its floor.
    """

    cup: Vessel
    bowl: Vessel
    colours: Mapping[str, tuple[float, float, float]]
    cup_kg: float = 0.1
    grasp_height_m: float = 0.062


USUAL_TABLEWARE = Tableware(
    cup=Vessel("cup", 12, 0.030, 0.030, 0.080, 0.005),
    bowl=Vessel("bowl", 12, 0.055, 0.090, 0.055, 0.006),
    colours=COLOURS,
)
UNSEEN_TABLEWARE = Tableware(
    cup=Vessel("beaker", 8, 0.028, 0.032, 0.090, 0.005),
    bowl=Vessel("dish", 4, 0.085, 0.085, 0.050, 0.006),
    colours=UNSEEN_COLOURS,
    grasp_height_m=0.072,
)


def tableware_at(level: Level) -> Tableware:
    """What a scene of a level shows."""
    return UNSEEN_TABLEWARE if LEVELS[level].catalogue is UNSEEN else USUAL_TABLEWARE


def vessel_xml(body: str, vessel: Vessel, mass_kg: float | None, material: str) -> str:
    """A body of floor and walls; with a mass, which they share evenly, it moves freely."""
    half_m = vessel.thickness_m / 2
    mass = "" if mass_kg is None else f'mass="{mass_kg / (vessel.n_walls + 1):.6g}" '
    rest = f'{mass}material="{material}" condim="3" friction="0.4 0.002 0.0001" solref="0.006 1"'
    joint = "" if mass_kg is None else f'<freejoint name="{body}"/>'
    walls = "".join(_wall_xml(vessel, 2 * np.pi * k / vessel.n_walls, rest) for k in range(vessel.n_walls))
    deep_m = half_m if mass_kg is not None else FAST_FLOOR_M / 2
    radius_m = f"{vessel.floor_radius_m:g}"
    shape, sides = ("box", f"{radius_m} {radius_m}") if vessel.n_walls == 4 else ("cylinder", radius_m)
    middle = f'pos="0 0 {vessel.thickness_m - deep_m:g}"'
    floor = f'<geom type="{shape}" size="{sides} {deep_m:g}" {middle} {rest}/>'
    return f'<body name="{body}">{joint}{floor}{walls}</body>'


def almond_xml(name: str) -> str:
    """One almond; body, joint and geom carry its name."""
    return (
        f'<body name="{name}"><freejoint name="{name}"/>'
        f'<geom name="{name}" type="capsule" size="{ALMOND_RADIUS_M} {ALMOND_HALF_LENGTH_M}" '
        f'mass="{ALMOND_KG}" condim="3" friction="0.4 0.002 0.0001" solref="0.015 1" material="noise_2"/>'
        "</body>"
    )


def _wall_xml(vessel: Vessel, azimuth_rad: float, rest: str) -> str:
    """The wall in that direction: turned to it about z, then leant outwards about its own y."""
    slant_m = float(np.hypot(vessel.height_m, vessel.rim_radius_m - vessel.floor_radius_m))
    width_m = vessel.rim_radius_m * np.tan(np.pi / vessel.n_walls) * OVERLAP
    middle_m = (vessel.floor_radius_m + vessel.rim_radius_m) / 2
    lean, turn = vessel.lean_rad / 2, azimuth_rad / 2
    quaternion = (
        np.cos(turn) * np.cos(lean),
        -np.sin(turn) * np.sin(lean),
        np.cos(turn) * np.sin(lean),
        np.sin(turn) * np.cos(lean),
    )
    place = (middle_m * np.cos(azimuth_rad), middle_m * np.sin(azimuth_rad), vessel.height_m / 2)
    half = (vessel.thickness_m / 2, width_m, slant_m / 2)
    posed = f'pos="{_vector(place)}" quat="{_vector(quaternion)}"'
    return f'<geom type="box" size="{_vector(half)}" {posed} {rest}/>'


def _vector(values: tuple[float, ...]) -> str:
    return " ".join(f"{x:.6g}" for x in values)
