"""What every scene at the table is drawn with, whatever lies on it: table, wall, light and front camera.

The levels of `mu0.envs.levels` that concern looks and places change these the same way in every task.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mu0.envs.textures import TABLE_TEXTURES

CAMERA_EYE_M = np.array([0.92, 0.0, 0.52])
CAMERA_TARGET_M = np.array([0.26, 0.05, 0.07])
CAMERA_JITTER_M = 0.01
ANY_EYE_M, ANY_AIM_M = 0.06, 0.03  # level `layouts`: how far the camera and what it looks at are moved
ANY_LIGHT = (0.35, 1.0)  # level `textures`


@dataclass(frozen=True)
class Surroundings:
    """Colours are red, green, blue in [0, 1]; places are in the robot's base frame [m]."""

    table_texture: str
    table_rgb: Float[np.ndarray, " 3"]
    wall_rgb: Float[np.ndarray, " 3"]
    light_direction: Float[np.ndarray, " 3"]
    light_strength: float
    camera_eye_m: Float[np.ndarray, " 3"]
    camera_target_m: Float[np.ndarray, " 3"]


def draw_surroundings(rng: np.random.Generator) -> Surroundings:
    """Those of a usual scene."""
    return Surroundings(
        table_texture=str(rng.choice(TABLE_TEXTURES)),
        table_rgb=np.array([0.85, 0.72, 0.55]) * rng.uniform(0.65, 1.1) + rng.uniform(-0.06, 0.06, 3),
        wall_rgb=rng.uniform(0.55, 0.9) + rng.uniform(-0.08, 0.08, 3),
        light_direction=np.array([rng.uniform(-0.5, 0.3), rng.uniform(-0.5, 0.5), -1.0]),
        light_strength=float(rng.uniform(0.55, 0.8)),
        camera_eye_m=CAMERA_EYE_M + rng.uniform(-CAMERA_JITTER_M, CAMERA_JITTER_M, 3),
        camera_target_m=CAMERA_TARGET_M + rng.uniform(-CAMERA_JITTER_M, CAMERA_JITTER_M, 3),
    )


def seen_from_elsewhere(usual: Surroundings, side: float, rng: np.random.Generator) -> Surroundings:
    """The camera moved by centimetres; mirrored before to the robot's right where `side` is -1."""
    mirror = np.array([1.0, side, 1.0])
    return replace(
        usual,
        camera_eye_m=usual.camera_eye_m * mirror + rng.uniform(-ANY_EYE_M, ANY_EYE_M, 3),
        camera_target_m=usual.camera_target_m * mirror + rng.uniform(-ANY_AIM_M, ANY_AIM_M, 3),
    )


def looking_different(usual: Surroundings, rng: np.random.Generator) -> Surroundings:
    """Table and wall of any colour, light from anywhere, dim to bright."""
    return replace(
        usual,
        table_rgb=rng.uniform(0.15, 0.95, 3),
        wall_rgb=rng.uniform(0.15, 0.95, 3),
        light_direction=np.array([*rng.uniform(-1.0, 1.0, 2), -1.0]),
        light_strength=float(rng.uniform(*ANY_LIGHT)),
    )
