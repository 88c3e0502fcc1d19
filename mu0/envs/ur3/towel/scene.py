"""The table with a towel on it, and how a layout is put onto it.

One compiled model serves all episodes: a layout sets the lengths of the towel's edges, so its size too. Frame
and surroundings are those of `mu0.envs.tabletop`. Physics takes steps of 4 ms: the shorter ones of the other
scenes are for squeezed things, and here nothing is squeezed.
"""

from dataclasses import replace

import mujoco
import numpy as np
from jaxtyping import Float

from mu0.envs.tabletop import Actor, apply_surroundings, compile_scene, entities_by_body
from mu0.envs.ur3.towel.cloth import (
    HIDDEN_GROUP,
    N_POINTS,
    ON_TABLE,
    cloth_bodies_xml,
    cloth_sections_xml,
    flat_points,
    point_name,
)
from mu0.envs.ur3.towel.fold import TowelLayout, folded_points
from mu0.envs.ur3.towel.patterns import pattern_files

CLOTH_TIMESTEP_S = 0.004
CLOTH_PHYSICS = 'solver="CG" cone="elliptic" impratio="1" iterations="30"'


def build_towel_scene(actor: Actor) -> mujoco.MjModel:
    """Compile the scene with `actor`, which has a site `tcp`."""
    files = pattern_files()
    sections = actor.sections + cloth_sections_xml() + _materials_xml(files)
    plane = (
        f'<geom name="table_for_cloth" type="plane" size="0.5 0.6 0.1" pos="0.25 0 0" group="{HIDDEN_GROUP}" '
        f'contype="{ON_TABLE}" conaffinity="0" friction="0.8 0.01 0.001"/>'
    )
    things = plane + cloth_bodies_xml()
    model = compile_scene(replace(actor, sections=sections), things, CLOTH_PHYSICS, files)
    model.opt.timestep = CLOTH_TIMESTEP_S
    return model


def entity_of_towel_geoms(model: mujoco.MjModel) -> dict[int, int]:
    """Which entity (see mu0/envs/ground_truth.py) each geom belongs to; the towel is a flex and has none."""
    return entities_by_body(model, {}, absent={point_name(index) for index in range(N_POINTS)})


def point_bodies(model: mujoco.MjModel) -> list[int]:
    """Bodies of the towel's points, row by row."""
    return [model.body(point_name(index)).id for index in range(N_POINTS)]


def apply_towel_layout(model: mujoco.MjModel, data: mujoco.MjData, layout: TowelLayout) -> None:
    """Make the scene look like `layout`, towel folded; the actor is left where it is."""
    bodies = point_bodies(model)
    first = model.jnt_qposadr[model.body_jntadr[bodies]]
    data.qpos[first[:, None] + np.arange(3)] = folded_points(layout) - model.body_pos[bodies]
    model.flexedge_length0[:] = _edge_lengths_m(model, layout.size_m)
    model.flex_rgba[0, :3] = layout.rgb
    model.flex_matid[0] = model.material(layout.pattern).id
    apply_surroundings(model, layout.surroundings)


def _edge_lengths_m(model: mujoco.MjModel, size_m: Float[np.ndarray, " 2"]) -> Float[np.ndarray, " edges"]:
    """Lengths of the flex's edges in a flat towel of that size."""
    start, end = model.flex_edge.T
    flat = flat_points(size_m)
    return np.linalg.norm(flat[end] - flat[start], axis=1)


def _materials_xml(files: dict[str, bytes]) -> str:
    names = [file.removesuffix(".png") for file in files]
    materials = "".join(
        f'<texture name="{name}" type="2d" file="{name}.png"/>'
        f'<material name="{name}" texture="{name}" specular="0" shininess="0"/>'
        for name in names
    )
    return f"<asset>{materials}</asset>"
