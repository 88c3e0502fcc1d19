"""The table with its sink and objects, as MJCF, and how a layout is put onto it.

One compiled model serves all episodes: it holds one body per object kind, and a layout moves, colours and
shows those it needs. Kinds that a scene does not use wait on the floor behind the wall. Whatever acts (the
arm, the hand) is plugged in as MJCF text, and so are other things than these (`compile_scene`).

Frame: the world is the robot's base: x away from the robot towards the camera, y to the robot's left, z up;
the table top is z = 0.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass

import mujoco
import numpy as np
from jaxtyping import Float

from mu0.envs.entities import ARM, FIRST_DISTRACTOR, HAND, SINK, TABLE, TARGET
from mu0.envs.layout import Layout, PlacedObject
from mu0.envs.objects import EVERY_KIND, USUAL, Catalogue, object_body_xml
from mu0.envs.renderer import BACKDROP_GROUP
from mu0.envs.surroundings import Surroundings
from mu0.envs.textures import OBJECT_TEXTURES, TABLE_TEXTURES, texture_files

TIMESTEP_S = 0.002
SINK_HALF_M = np.array([0.13, 0.10])
SINK_HEIGHT_M = 0.08
SINK_WALL_M = 0.008
FLOOR_Z_M = -0.75
RIGID_PHYSICS = 'solver="Newton" cone="elliptic" impratio="10" iterations="50"'
PARKING_X_M = -1.6
ARM_BODIES = (
    "base",
    "shoulder_link",
    "upper_arm_link",
    "forearm_link",
    "wrist_1_link",
    "wrist_2_link",
    "forearm",
)


@dataclass(frozen=True)
class Actor:
    """MJCF pieces of whatever acts on the table."""

    bodies: str
    defaults: str = ""
    sections: str = ""


def build_tabletop(actor: Actor, catalogue: Catalogue = USUAL) -> mujoco.MjModel:
    """Compile the scene with `actor` and one body of every kind in `catalogue`."""
    objects = "".join(object_body_xml(kind) for kind in catalogue.kinds.values())
    return compile_scene(actor, f"{_sink_xml()}\n  {objects}")


def compile_scene(
    actor: Actor, things: str, physics: str = RIGID_PHYSICS, files: Mapping[str, bytes] | None = None
) -> mujoco.MjModel:
    """Compile table, wall and light with `actor` and the bodies of `things`.

    Args:
        actor: Acts.
        things: MJCF of the bodies on the table.
        physics: Attributes of MJCF's `option`, besides time step and integrator.
        files: Pictures that `things` or `actor` name, besides those of every scene.
    """
    pictures = texture_files() | dict(files or {})
    return mujoco.MjModel.from_xml_string(_scene_xml(actor, things, physics), pictures)


def apply_layout(model: mujoco.MjModel, data: mujoco.MjData, layout: Layout) -> None:
    """Make the scene look like `layout`; the actor is left where it is."""
    used = {placed.kind: placed for placed in layout.objects}
    bodies = {model.body(body).name for body in range(model.nbody)}
    for slot, kind in enumerate(kind for kind in EVERY_KIND.values() if kind.name in bodies):
        joint = data.joint(kind.name)
        joint.qvel[:] = 0
        if kind.name in used:
            _place_object(model, data, used[kind.name])
        else:
            height = FLOOR_Z_M + kind.rest_height_m
            joint.qpos[:] = [PARKING_X_M, 0.2 * slot, height, 1, 0, 0, 0]
    model.body("sink").pos[:2] = layout.sink_xy_m
    for geom in range(model.ngeom):
        if model.geom_bodyid[geom] == model.body("sink").id:
            model.geom_rgba[geom, :3] = layout.sink_rgb
    apply_surroundings(model, layout.surroundings)


def apply_surroundings(model: mujoco.MjModel, surroundings: Surroundings) -> None:
    """Colour table and wall, and light them."""
    table = model.geom("table")
    table.matid[:] = model.material(surroundings.table_texture).id
    table.rgba[:3] = np.clip(surroundings.table_rgb, 0, 1)
    model.geom("wall").rgba[:3] = np.clip(surroundings.wall_rgb, 0, 1)
    light = model.light("key")
    light.dir[:] = surroundings.light_direction / np.linalg.norm(surroundings.light_direction)
    light.diffuse[:] = surroundings.light_strength


def entity_of_geoms(model: mujoco.MjModel, layout: Layout, target: PlacedObject) -> dict[int, int]:
    """Which entity (see mu0/envs/ground_truth.py) each geom belongs to; floor and wall to none."""
    others = [placed.kind for placed in layout.objects if placed.kind != target.kind]
    entity_of_body = {"sink": SINK, target.kind: TARGET}
    entity_of_body.update({kind: FIRST_DISTRACTOR + i for i, kind in enumerate(others)})
    return entities_by_body(model, entity_of_body, absent=EVERY_KIND)


def entities_by_body(
    model: mujoco.MjModel, entity_of_body: Mapping[str, int], absent: Container[str] = ()
) -> dict[int, int]:
    """Which entity each geom belongs to; floor, wall and `absent` bodies to none.

    Args:
        model: A scene with an actor, whose bodies are arm and hand.
        entity_of_body: Of the things, by the name of their body.
        absent: Names of bodies that wait out of sight.
    """
    entities = {model.geom("table").id: TABLE}
    for geom in range(model.ngeom):
        body = model.body(model.geom_bodyid[geom]).name
        if body in entity_of_body:
            entities[geom] = entity_of_body[body]
        elif body in ARM_BODIES:
            entities[geom] = ARM
        elif body != "world" and body not in absent:
            entities[geom] = HAND
    return entities


def refresh_poses(model: mujoco.MjModel, data: mujoco.MjData) -> None:
    """Bring body, site and light poses up to the state, which physics leaves one step behind.

    Touches nothing that the next physics step starts from, so looking never changes what happens.
    """
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_camlight(model, data)


def is_in_sink(position_m: Float[np.ndarray, " 3"], sink_xy_m: Float[np.ndarray, " 2"]) -> bool:
    """Whether a point lies between the sink's walls and below their rim."""
    inside = np.abs(position_m[:2] - sink_xy_m) < SINK_HALF_M
    return bool(inside.all() and 0 < position_m[2] < SINK_HEIGHT_M)


def _place_object(model: mujoco.MjModel, data: mujoco.MjData, placed: PlacedObject) -> None:
    half_yaw = placed.yaw_rad / 2
    height = EVERY_KIND[placed.kind].rest_height_m
    data.joint(placed.kind).qpos[:] = [*placed.xy_m, height, np.cos(half_yaw), 0, 0, np.sin(half_yaw)]
    geom = model.geom(placed.kind)
    geom.rgba[:3] = placed.rgb
    geom.matid[:] = model.material(placed.texture).id


def _materials_xml() -> str:
    objects = "".join(
        f'<texture name="{name}" type="cube" file="{name}.png"/>'
        f'<material name="{name}" texture="{name}" specular="0.1" shininess="0.1"/>'
        for name in OBJECT_TEXTURES
    )
    tables = "".join(
        f'<texture name="{name}" type="2d" file="{name}.png"/>'
        f'<material name="{name}" texture="{name}" texrepeat="1 1" specular="0" shininess="0"/>'
        for name in TABLE_TEXTURES
    )
    return objects + tables


def _sink_xml() -> str:
    half_x, half_y = SINK_HALF_M
    half_wall, half_height = SINK_WALL_M / 2, SINK_HEIGHT_M / 2
    parts = [(half_x, half_y, half_wall, 0.0, 0.0, half_wall)]
    for side in (-1, 1):
        parts.append((half_wall, half_y, half_height, side * half_x, 0.0, half_height))
        parts.append((half_x, half_wall, half_height, 0.0, side * half_y, half_height))
    geoms = "".join(
        f'<geom type="box" size="{a:g} {b:g} {c:g}" pos="{x:g} {y:g} {z:g}" material="noise_4"/>'
        for a, b, c, x, y, z in parts
    )
    return f'<body name="sink">{geoms}</body>'


def _scene_xml(actor: Actor, things: str, physics: str) -> str:
    return f"""<mujoco model="tabletop">
 <compiler angle="radian" autolimits="true"/>
 <option timestep="{TIMESTEP_S}" {physics} integrator="implicitfast"/>
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
  <geom name="table" type="box" size="0.5 0.6 0.02" pos="0.25 0 -0.02" rgba=".8 .7 .5 1" material="wood"
   friction="0.8 0.01 0.0005"/>
  {things}
  {actor.bodies}
 </worldbody>
 {actor.sections}
</mujoco>"""
