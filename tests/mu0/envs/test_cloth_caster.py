"""Cloth is met where it is: a known plane, and what GL draws."""

import mujoco
import numpy as np

from mu0.envs.camera import Camera
from mu0.envs.cloth_caster import cast_on_cloth
from mu0.envs.raycast_renderer import RaycastRenderer
from mu0.envs.ur3.towel.cloth import RADIUS_M
from mu0.envs.ur3.towel.towel_environment import TowelEnvironment

SHEET = """<mujoco><worldbody>
 <geom type="plane" size="5 5 .1" pos="0 0 3" euler="180 0 0" rgba="0 1 0 1"/>
 <flexcomp name="sheet" type="grid" dim="2" count="3 3 1" spacing=".5 .5 .5" pos="0 0 2" radius=".001"
  mass="1" rgba="1 0 0 1"><edge equality="true"/></flexcomp>
</worldbody></mujoco>"""
SIZE_PX, FOCAL_PX = 41, 40.0


def sheet() -> tuple[mujoco.MjModel, mujoco.MjData, Camera]:
    """A sheet of 1 m at 2 m before a camera that looks along z."""
    model = mujoco.MjModel.from_xml_string(SHEET)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data, Camera(np.eye(4), SIZE_PX, SIZE_PX, FOCAL_PX)


def test_a_sheet_is_met_at_its_depth_and_covers_what_it_should() -> None:
    met = cast_on_cloth(*sheet())
    hit = met.flex == 0
    x, y = np.meshgrid(*[np.arange(SIZE_PX) - (SIZE_PX - 1) / 2] * 2)
    reach_px = 0.5 / 2 * FOCAL_PX
    np.testing.assert_array_equal(hit, (abs(x) <= reach_px) & (abs(y) <= reach_px))
    np.testing.assert_allclose(met.depth_m[hit], 2.0, atol=1e-9)
    assert np.isinf(met.depth_m[~hit]).all()
    np.testing.assert_allclose(met.normal[hit], np.broadcast_to([0, 0, -1], met.normal[hit].shape), atol=1e-9)


def test_what_is_nearer_hides_cloth_and_cloth_hides_what_is_behind() -> None:
    model, data, camera = sheet()
    renderer = RaycastRenderer(model, data)
    image, depth_m = renderer.render(camera)
    centre, corner = (20, 20), (1, 1)
    assert image[centre][0] > 0
    assert image[centre][1] == 0
    assert image[corner][0] == 0
    np.testing.assert_allclose([depth_m[centre], depth_m[corner]], [2, 3], atol=1e-6)
    model.geom_pos[0, 2] = 1.0
    mujoco.mj_kinematics(model, data)
    image, depth_m = renderer.render(camera)
    assert image[centre][0] == 0
    np.testing.assert_allclose(depth_m[centre], 1, atol=1e-6)


def test_cloth_behind_the_camera_is_not_met() -> None:
    model, data, _ = sheet()
    behind = np.eye(4)
    behind[2, 3] = -3.0
    assert (cast_on_cloth(model, data, Camera(behind, SIZE_PX, SIZE_PX, FOCAL_PX)).flex == -1).all()


def test_ray_cast_depth_of_a_towel_agrees_with_gl() -> None:
    world = TowelEnvironment(64)
    observation = world.reset(3)
    camera = world.front_camera()
    _, depth_m = RaycastRenderer(world.model, world.data).render(camera)
    assert observation.depth_m is not None
    on_cloth = cast_on_cloth(world.model, world.data, camera).flex == 0
    error_m = (depth_m - observation.depth_m)[on_cloth]
    assert on_cloth.sum() > 50
    assert 0 < np.median(error_m) < 3 * RADIUS_M  # GL draws the thickness
    assert np.mean(np.abs(error_m) > 0.02) < 0.1
    world.close()
