"""Seeds and snapshots decide a towel to the last bit; it lies still until it is held, and is let go of."""

import mujoco
import numpy as np
import pytest

from mu0.envs.levels import LEVEL_NAMES, Level
from mu0.envs.ur3.towel.cloth import HEM, LOWER_ROWS, N_SIDE, UPPER_ROWS, flat_points
from mu0.envs.ur3.towel.towel_environment import TowelEnvironment

CORNER = N_SIDE * N_SIDE - 1  # of the free hem
GRASP_M, HIGH_M = 0.016, 0.15
UP, ASIDE = np.array([0.0, 0.0, 0.1]), np.array([0.05, 0.0, 0.06])


def go(world: TowelEnvironment, xyz_m: np.ndarray, closed: float, n_steps: int = 8) -> None:
    for _ in range(n_steps):
        world.advance(np.array([*xyz_m, 0.0, closed]))


def hold_corner(world: TowelEnvironment) -> np.ndarray:
    """Hold the free hem's corner; its place before that."""
    x, y, _ = world.points_m()[CORNER]
    go(world, np.array([x, y, HIGH_M]), 0.0)
    go(world, np.array([x, y, GRASP_M]), 0.0)
    go(world, np.array([x, y, GRASP_M]), 1.0, 2)
    return np.array([x, y, GRASP_M])


def lay_flat(world: TowelEnvironment) -> None:
    """Put the towel down where it belongs, without the arm."""
    joints = world.model.body_jntadr[world._points]
    first = world.model.jnt_qposadr[joints]
    flat = np.column_stack([flat_points(world.layout.size_m) + world.layout.centre_m, np.full(100, 0.004)])
    world.data.qpos[first[:, None] + np.arange(3)] = flat - world.model.body_pos[world._points]


@pytest.mark.slow
def test_equal_seeds_repeat_to_the_last_bit(seen_towel: TowelEnvironment) -> None:
    runs = []
    for _ in range(2):
        first = seen_towel.reset(4)
        hold_corner(seen_towel)
        last = seen_towel.observe()
        runs.append((first, last, seen_towel.snapshot().physics, seen_towel.coverage))
    for one, two in zip(runs[0][:2], runs[1][:2], strict=True):
        np.testing.assert_array_equal(one.image, two.image)
        np.testing.assert_array_equal(one.wrist_image, two.wrist_image)
        np.testing.assert_array_equal(one.proprioception, two.proprioception)
    np.testing.assert_array_equal(runs[0][2], runs[1][2])
    assert runs[0][3] == runs[1][3]
    assert not np.array_equal(seen_towel.reset(5).image, runs[0][0].image)


@pytest.mark.slow
def test_a_restored_moment_with_the_hem_in_hand_goes_on_to_the_last_bit(towel: TowelEnvironment) -> None:
    towel.reset(4)
    place = hold_corner(towel)
    assert towel.held_point() is not None
    moment = towel.snapshot()
    go(towel, place + ASIDE, 1.0, 4)
    then, coverage = towel.snapshot(), towel.coverage
    go(towel, place, 0.0, 2)
    towel.reset(9)
    towel.restore(moment)
    assert towel.held_point() is not None
    go(towel, place + ASIDE, 1.0, 4)
    np.testing.assert_array_equal(towel.snapshot().physics, then.physics)
    assert towel.coverage == coverage


@pytest.mark.slow
def test_looking_changes_nothing(towel: TowelEnvironment, seen_towel: TowelEnvironment) -> None:
    for world in (towel, seen_towel):
        world.reset(4)
        hold_corner(world)
    seen_towel.reset(4)
    x, y, _ = seen_towel.points_m()[CORNER]
    for height, closed, n_steps in ((HIGH_M, 0.0, 8), (GRASP_M, 0.0, 8), (GRASP_M, 1.0, 2)):
        for _ in range(n_steps):
            seen_towel.step(np.array([x, y, height, 0.0, closed]))
    np.testing.assert_array_equal(seen_towel.data.qpos, towel.data.qpos)


@pytest.mark.parametrize("seed", [0, 3])
def test_a_towel_that_nobody_touches_stays_as_it_is(towel: TowelEnvironment, seed: int) -> None:
    towel.reset(seed)
    first = towel.coverage
    assert 0.45 < first < 0.6
    assert towel.score() == 0
    for _ in range(30):
        towel.advance(towel.command.copy())
    assert towel.coverage == pytest.approx(first, abs=0.005)
    assert not towel.is_success()


def test_the_upper_half_lies_on_the_lower(towel: TowelEnvironment) -> None:
    for seed in range(4):
        towel.reset(seed)
        height_m = towel.points_m()[:, 2].reshape(N_SIDE, N_SIDE)
        assert height_m[LOWER_ROWS].max() < 0.006
        assert height_m[UPPER_ROWS].min() > 0.008


def test_the_cloth_has_the_size_of_its_layout(towel: TowelEnvironment) -> None:
    for seed in range(3):
        towel.reset(seed)
        start, end = towel.model.flex_edge.T
        flat, now = flat_points(towel.layout.size_m), towel.points_m()
        length_m = np.linalg.norm(flat[start] - flat[end], axis=1)
        np.testing.assert_allclose(np.linalg.norm(now[start] - now[end], axis=1), length_m, atol=0.002)


def test_nothing_is_held_after_opening(towel: TowelEnvironment) -> None:
    towel.reset(4)
    place = hold_corner(towel)
    held = towel.held_point()
    assert held in HEM
    go(towel, place + UP, 1.0)
    assert towel.points_m()[held, 2] > 0.08  # the hem comes along
    assert not towel.is_success()
    go(towel, place + UP, 0.0)
    assert towel.held_point() is None
    assert towel.points_m()[held, 2] < 0.03  # and falls


def test_a_gripper_that_closes_elsewhere_holds_nothing(towel: TowelEnvironment) -> None:
    towel.reset(4)
    x, y, _ = towel.points_m()[CORNER]
    go(towel, np.array([x, y, HIGH_M]), 1.0)
    assert towel.held_point() is None
    go(towel, np.array([x, y, GRASP_M]), 1.0)  # comes closed: it does not take what it meets
    assert towel.held_point() is None


def test_success_is_a_flat_towel_that_is_let_go_of(towel: TowelEnvironment) -> None:
    towel.reset(4)
    lay_flat(towel)
    towel.advance(towel.command.copy())
    assert towel.coverage == pytest.approx(1.0, abs=0.02)
    assert towel.is_success()
    assert towel.score() == pytest.approx(1.0, abs=0.05)
    towel.command[4] = 1.0
    assert not towel.is_success()


def test_the_arm_touches_the_table_and_not_the_cloth(towel: TowelEnvironment) -> None:
    towel.reset(4)
    middle = towel.points_m()[LOWER_ROWS[2] * N_SIDE + 5]
    go(towel, np.array([*middle[:2], 0.012]), 0.0, 15)
    geoms = towel.data.contact.geom
    bodies = towel.model.geom_bodyid[geoms]
    is_cloth = np.isin(bodies, towel._points)
    others = bodies[is_cloth.any(axis=1) & ~is_cloth.all(axis=1)]
    partners = set(others[~np.isin(others, towel._points)].tolist())
    assert is_cloth.any()
    assert partners == {0}  # the world, which the table belongs to


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVEL_NAMES)
def test_every_level_begins_folded_and_steady(level: Level) -> None:
    world = TowelEnvironment(render=False, level=level)
    for seed in range(5):
        world.reset(seed)
        assert 0.4 < world.first_coverage < 0.65
        assert np.abs(world.data.qvel).max() < 0.05
        assert world.data.warning[mujoco.mjtWarning.mjWARN_BADQACC].number == 0
