"""The table with a towel on it, as MJCF, and how a layout is put onto it.

Table, backdrop, light and picture quality are those of `mu0.envs.tabletop`. One compiled model serves all
episodes: a layout sets the lengths of the towel's edges, so its size too.

Frame: the world is the robot's base: x away from the robot towards the camera, y to the robot's left, z up;
the table top is z = 0.
"""

import mujoco
import numpy as np
from jaxtyping import Float

from mu0.envs.renderer import BACKDROP_GROUP
from mu0.envs.tabletop import FLOOR_Z_M, TIMESTEP_S, Actor
from mu0.envs.textures import OBJECT_TEXTURES, TABLE_TEXTURES, texture_files
from mu0.envs.ur3.towel.cloth import (
    FLEX,
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


def build_towel_scene(actor: Actor) -> mujoco.MjModel:
    """Compile the scene with `actor`, which has a site `tcp`."""
    return mujoco.MjModel.from_xml_string(_scene_xml(actor), {**texture_files(), **pattern_files()})


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
    around = layout.surroundings
    table = model.geom("table")
    table.matid[:] = model.material(around.table_texture).id
    table.rgba[:3] = np.clip(around.table_rgb, 0, 1)
    model.geom("wall").rgba[:3] = np.clip(around.wall_rgb, 0, 1)
    light = model.light("key")
    light.dir[:] = around.light_direction / np.linalg.norm(around.light_direction)
    light.diffuse[:] = around.light_strength


def _edge_lengths_m(model: mujoco.MjModel, size_m: Float[np.ndarray, " 2"]) -> Float[np.ndarray, " edges"]:
    """Lengths of the flex's edges in a flat towel of that size."""
    start, end = model.flex_edge.T
    flat = flat_points(size_m)
    return np.linalg.norm(flat[end] - flat[start], axis=1)


def _materials_xml() -> str:
    kinds = dict.fromkeys(OBJECT_TEXTURES, "cube") | dict.fromkeys(TABLE_TEXTURES, "2d")
    kinds |= {file.removesuffix(".png"): "2d" for file in pattern_files()}
    return "".join(
        f'<texture name="{name}" type="{kind}" file="{name}.png"/>'
        f'<material name="{name}" texture="{name}" specular="0" shininess="0"/>'
        for name, kind in kinds.items()
    )


def _scene_xml(actor: Actor) -> str:
    return f"""<mujoco model="{FLEX}">
 <compiler angle="radian" autolimits="true"/>
 <option timestep="{TIMESTEP_S}" solver="CG" cone="elliptic" impratio="1" iterations="50"
  integrator="implicitfast"/>
 <size memory="64M"/>
 <statistic extent="2" center="0.3 0 0.1"/>
 <visual>
  <global offwidth="64" offheight="64"/>
  <quality shadowsize="0" offsamples="0" numslices="16" numstacks="10" numquads="2"/>
  <map znear="0.01" zfar="4"/>
  <headlight ambient=".42 .42 .42" diffuse="0 0 0" specular="0 0 0"/>
 </visual>
 <asset>{_materials_xml()}</asset>
 <default>{actor.defaults}</default>
 <worldbody>
  <light name="key" directional="true" pos="0.3 0.3 2" dir="0 0 -1" castshadow="false" specular="0 0 0"/>
  <light name="fill" directional="true" pos="1 0 2" dir="-1 0.2 -0.6" diffuse=".25 .25 .25" castshadow="false"
   specular="0 0 0"/>
  <geom name="floor" type="plane" size="4 4 .1" pos="0 0 {FLOOR_Z_M}" rgba=".42 .42 .45 1"
   material="speckle" group="{BACKDROP_GROUP}"/>
  <geom name="wall" type="box" size=".02 3 1.6" pos="-0.9 0 0.5" rgba=".8 .8 .8 1" material="noise_5"
   group="{BACKDROP_GROUP}"/>
  <geom name="table" type="box" size="0.5 0.6 0.02" pos="0.25 0 -0.02" rgba=".8 .7 .5 1" material="wood"/>
  <geom name="table_for_cloth" type="plane" size="0.5 0.6 0.1" pos="0.25 0 0" group="{HIDDEN_GROUP}"
   contype="{ON_TABLE}" conaffinity="0" friction="0.8 0.01 0.001"/>
  {cloth_bodies_xml()}
  {actor.bodies}
 </worldbody>
 {actor.sections}{cloth_sections_xml()}
</mujoco>"""
