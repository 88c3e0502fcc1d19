"""The table with a full cup and an empty bowl: how it is compiled, set up and counted.

The bowl stands fast; the cup and each almond move freely. Many small contacts at once are what a simulator is
slow at: conjugate gradients solve them several times as fast as Newton's method, which the other scenes use.
"""

import mujoco
import numpy as np
from jaxtyping import Bool, Float

from mu0.envs.entities import ALMONDS, SINK, TARGET
from mu0.envs.tabletop import Actor, apply_surroundings, compile_scene, entities_by_body
from mu0.envs.ur3.pour.layout import PourLayout
from mu0.envs.ur3.pour.vessels import Tableware, Vessel, almond_xml, vessel_xml

GRAIN_PHYSICS = 'solver="CG" cone="elliptic" impratio="1" iterations="50" tolerance="1e-5"'
CUP, BOWL = "cup", "bowl"  # names of the bodies, whatever they look like
RING_M, LAYER_M, FIRST_LAYER_M = 0.016, 0.0185, 0.018  # seven almonds a layer: one, and six around it
RING = np.array([[0.0, 0.0], *([np.cos(k * np.pi / 3), np.sin(k * np.pi / 3)] for k in range(6))]) * RING_M
JITTER_M, JITTER_SHARE = 0.0006, 0.08


def almond_names(n_almonds: int) -> list[str]:
    """Names of their bodies, joints and geoms."""
    return [f"almond_{k}" for k in range(n_almonds)]


def build_pouring(actor: Actor, tableware: Tableware, n_almonds: int) -> mujoco.MjModel:
    """Compile the scene with `actor`."""
    cup = vessel_xml(CUP, tableware.cup, tableware.cup_kg, "noise_1")
    bowl = vessel_xml(BOWL, tableware.bowl, None, "noise_4")
    almonds = "".join(almond_xml(name) for name in almond_names(n_almonds))
    return compile_scene(actor, cup + bowl + almonds, GRAIN_PHYSICS)


def apply_pour_layout(model: mujoco.MjModel, data: mujoco.MjData, layout: PourLayout, n_almonds: int) -> None:
    """Make the scene look like `layout`, the almonds stacked in the cup; the actor is left where it is."""
    yaw = layout.cup_yaw_rad / 2
    data.joint(CUP).qpos[:] = [*layout.cup_xy_m, 0.0, np.cos(yaw), 0, 0, np.sin(yaw)]
    model.body(BOWL).pos[:2] = layout.bowl_xy_m
    rng = np.random.default_rng([layout.seed, 5])
    for k, name in enumerate(almond_names(n_almonds)):
        place = layout.cup_xy_m + RING[k % len(RING)] + rng.uniform(-JITTER_M, JITTER_M, 2)
        turn = np.array([1.0, *rng.normal(0, JITTER_SHARE, 3)])
        height_m = FIRST_LAYER_M + LAYER_M * (k // len(RING))
        data.joint(name).qpos[:] = [*place, height_m, *(turn / np.linalg.norm(turn))]
        model.geom(name).rgba[:3] = layout.almond_rgb
    for body, rgb in ((CUP, layout.cup_rgb), (BOWL, layout.bowl_rgb)):
        model.geom_rgba[model.geom_bodyid == model.body(body).id, :3] = rgb
    apply_surroundings(model, layout.surroundings)


def entities_of_pouring(model: mujoco.MjModel, n_almonds: int) -> dict[int, int]:
    """Which entity (mu0/envs/entities.py) each geom belongs to: the cup is the target."""
    almonds = dict.fromkeys(almond_names(n_almonds), ALMONDS)
    return entities_by_body(model, {CUP: TARGET, BOWL: SINK, **almonds})


def is_inside(
    data: mujoco.MjData, body: str, vessel: Vessel, places_m: Float[np.ndarray, "n 3"]
) -> Bool[np.ndarray, " n"]:
    """Which places, in the robot's base frame, lie in the vessel that is body `body`."""
    found = data.body(body)
    return vessel.holds((places_m - found.xpos) @ found.xmat.reshape(3, 3))
