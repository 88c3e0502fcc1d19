"""A vessel holds what is between its walls, and its walls stand where they should."""

import mujoco
import numpy as np
import pytest

from mu0.envs.levels import LEVEL_NAMES
from mu0.envs.ur3.pour.vessels import UNSEEN_TABLEWARE, USUAL_TABLEWARE, Vessel, tableware_at, vessel_xml

BOWL = Vessel("bowl", 12, 0.05, 0.08, 0.06, 0.006)
TRAY = Vessel("tray", 4, 0.05, 0.05, 0.04, 0.006)
EVERY_VESSEL = [ware for ware in (USUAL_TABLEWARE, UNSEEN_TABLEWARE) for ware in (ware.cup, ware.bowl)]


def test_what_is_held_is_between_walls_that_lean_outwards() -> None:
    places = np.array(
        [[0, 0, 0.01], [0.06, 0, 0.01], [0.06, 0, 0.05], [0, 0, 0.061], [0, 0, -0.001], [0.049, 0, 0.001]]
    )
    assert BOWL.holds(places).tolist() == [True, False, True, False, False, True]


def test_a_square_vessel_has_corners_and_flat_sides() -> None:
    places = np.array([[0.049, 0.049, 0.01], [0.051, 0.0, 0.01], [-0.049, 0.0, 0.01], [0.0, -0.051, 0.01]])
    assert TRAY.holds(places).tolist() == [True, False, True, False]


@pytest.mark.parametrize("vessel", EVERY_VESSEL, ids=lambda vessel: vessel.name)
def test_a_ray_from_inside_meets_a_wall_at_its_radius_all_around(vessel: Vessel) -> None:
    model = mujoco.MjModel.from_xml_string(
        f"<mujoco><asset><material name='m'/></asset><worldbody>{vessel_xml('it', vessel, None, 'm')}"
        "</worldbody></mujoco>"
    )
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    height_m = vessel.height_m / 2
    radius_m = (vessel.floor_radius_m + vessel.rim_radius_m) / 2
    for angle in np.linspace(0, 2 * np.pi, 50):
        way = np.array([np.cos(angle), np.sin(angle), 0.0])
        start, hit = np.array([0.0, 0.0, height_m]), np.zeros(1, np.int32)
        distance_m = mujoco.mj_ray(model, data, start, way, None, 1, -1, hit)
        assert radius_m - vessel.thickness_m < distance_m < radius_m / np.cos(np.pi / vessel.n_walls) + 1e-6
    assert mujoco.mj_ray(model, data, start, np.array([0.0, 0.0, 1.0]), None, 1, -1, hit) == -1
    floor_m = mujoco.mj_ray(model, data, start, np.array([0.0, 0.0, -1.0]), None, 1, -1, hit)
    np.testing.assert_allclose(height_m - floor_m, vessel.thickness_m, atol=1e-6)


def test_unseen_tableware_shares_neither_name_nor_colour_with_the_usual() -> None:
    usual, unseen = USUAL_TABLEWARE, UNSEEN_TABLEWARE
    assert not {usual.cup.name, usual.bowl.name} & {unseen.cup.name, unseen.bowl.name}
    assert not set(usual.colours) & set(unseen.colours)
    assert [level for level in LEVEL_NAMES if tableware_at(level) is unseen] == ["unseen_objects"]


@pytest.mark.parametrize("ware", [USUAL_TABLEWARE, UNSEEN_TABLEWARE], ids=["usual", "unseen"])
def test_a_cup_fits_the_open_gripper_with_its_palm_above_the_rim(ware) -> None:  # type: ignore[no-untyped-def]
    assert 2 * ware.cup.rim_radius_m + ware.cup.thickness_m < 0.085
    assert ware.cup.height_m < ware.grasp_height_m + 0.055
