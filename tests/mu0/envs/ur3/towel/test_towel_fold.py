"""A seed is a towel; folding does not stretch it; a level changes what it says and no more."""

import numpy as np
import pytest

from mu0.envs.levels import LEVEL_NAMES, Level
from mu0.envs.objects import COLOURS, UNSEEN_COLOURS
from mu0.envs.ur3.towel.cloth import N_SIDE, flat_points
from mu0.envs.ur3.towel.fold import (
    SIDE_M,
    WRINKLE_M,
    draw_towel_layout,
    folded_points,
    instruction_for_towel,
)
from mu0.envs.ur3.towel.patterns import UNSEEN_PATTERNS, USUAL_PATTERNS, pattern_files


@pytest.mark.parametrize("level", LEVEL_NAMES)
def test_equal_seeds_draw_equal_towels_and_others_differ(level: Level) -> None:
    first, again, other = (draw_towel_layout(seed, level) for seed in (7, 7, 8))
    assert repr(first) == repr(again)
    assert repr(first) != repr(other)


def test_folding_keeps_the_lengths_within_both_halves() -> None:
    for seed in range(20):
        layout = draw_towel_layout(seed)
        flat, folded = flat_points(layout.size_m), folded_points(layout)
        is_upper = folded[:, 2] > WRINKLE_M + 0.006
        for half in (is_upper, ~is_upper):
            ours, theirs = (points[half][:, :2] for points in (folded, flat))
            np.testing.assert_allclose(
                np.linalg.norm(ours[:, None] - ours, axis=-1),
                np.linalg.norm(theirs[:, None] - theirs, axis=-1),
                atol=1e-12,
            )
        assert 0.3 < is_upper.mean() < 0.6


def test_towels_are_folded_from_all_four_sides() -> None:
    yaws = np.array([draw_towel_layout(seed).yaw_rad for seed in range(60)])
    assert set(np.rint(yaws / (np.pi / 2)).astype(int) % 4) == {0, 1, 2, 3}


def test_unseen_towels_have_colours_patterns_and_sizes_of_no_training_scene() -> None:
    for seed in range(40):
        usual, unseen = draw_towel_layout(seed), draw_towel_layout(seed, "unseen_objects")
        assert usual.colour in COLOURS
        assert unseen.colour in UNSEEN_COLOURS
        assert usual.pattern in USUAL_PATTERNS
        assert unseen.pattern in UNSEEN_PATTERNS
        assert np.all((usual.size_m >= SIDE_M[0]) & (usual.size_m <= SIDE_M[1]))
        assert np.all((unseen.size_m < SIDE_M[0]) | (unseen.size_m > SIDE_M[1]))
    assert {f"{name}.png" for name in USUAL_PATTERNS + UNSEEN_PATTERNS} == set(pattern_files())


def test_the_other_levels_leave_the_towel_itself_as_it_is() -> None:
    usual, moved, lit = (draw_towel_layout(5, level) for level in ("in_distribution", "layouts", "textures"))
    for other in (moved, lit):
        assert (other.colour, other.pattern) == (usual.colour, usual.pattern)
        np.testing.assert_array_equal(other.size_m, usual.size_m)
    assert not np.array_equal(moved.centre_m, usual.centre_m)
    np.testing.assert_array_equal(lit.centre_m, usual.centre_m)
    assert not np.array_equal(lit.surroundings.table_rgb, usual.surroundings.table_rgb)


def test_the_instruction_names_the_towel() -> None:
    layout = draw_towel_layout(3)
    said = {instruction_for_towel(layout, np.random.default_rng(seed)) for seed in range(20)}
    assert len(said) > 1
    assert all(f"{layout.colour} towel" in each for each in said)
    assert len(folded_points(layout)) == N_SIDE**2
