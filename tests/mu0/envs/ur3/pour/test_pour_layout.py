"""A seed is a scene with cup and bowl; a level changes what it says and nothing else."""

from dataclasses import fields, replace

import numpy as np
import pytest

from mu0.envs.levels import Level
from mu0.envs.ur3.pour.layout import PourLayout, draw_pour_layout, pour_instruction
from mu0.envs.ur3.pour.vessels import USUAL_TABLEWARE

THINGS = {"cup_name", "bowl_name", "cup_rgb", "bowl_rgb"}
SEEDS = range(30)


def flat(layout: PourLayout) -> dict[str, str]:
    """Fields as text, those of the surroundings among them."""
    return {
        each.name: repr(getattr(part, each.name))
        for part in (layout, layout.surroundings)
        for each in fields(part)
        if each.name != "surroundings"
    }


def test_equal_seeds_draw_equal_layouts_and_others_differ() -> None:
    assert flat(draw_pour_layout(7)) == flat(draw_pour_layout(7))
    assert flat(draw_pour_layout(7)) != flat(draw_pour_layout(8))


@pytest.mark.parametrize(
    ("level", "changed"),
    [
        ("unseen_objects", THINGS),
        ("layouts", {"cup_xy_m", "bowl_xy_m", "camera_eye_m", "camera_target_m"}),
        ("textures", {"table_rgb", "wall_rgb", "light_direction", "light_strength"}),
    ],
)
def test_a_level_changes_what_it_says_and_nothing_else(level: Level, changed: set[str]) -> None:
    for seed in SEEDS:
        usual, other = flat(draw_pour_layout(seed)), flat(draw_pour_layout(seed, level))
        assert {name for name in usual if usual[name] != other[name]} == changed


@pytest.mark.parametrize("level", ["in_distribution", "layouts"])
def test_cup_and_bowl_leave_room_for_the_hand(level: Level) -> None:
    sides = set()
    for seed in range(100):
        layout = draw_pour_layout(seed, level)
        gap_m = np.linalg.norm(layout.cup_xy_m - layout.bowl_xy_m) - USUAL_TABLEWARE.bowl.rim_radius_m
        assert gap_m > 0.06
        sides.add(float(np.sign(layout.bowl_xy_m[1])))
    assert sides == ({1.0} if level == "in_distribution" else {-1.0, 1.0})


def test_an_instruction_names_the_bowl_in_its_colour() -> None:
    layout = replace(draw_pour_layout(1), bowl_name="blue bowl", cup_name="red cup")
    said = {pour_instruction(layout, np.random.default_rng(seed)) for seed in range(40)}
    assert len(said) == 4
    assert all("the blue bowl" in words for words in said)
