"""A seed is a scene."""

import numpy as np

from mu0.envs.layout import MIN_SPACING_M, draw_layout, instruction_for


def test_equal_seeds_draw_equal_layouts_and_others_differ() -> None:
    first, again, other = draw_layout(7), draw_layout(7), draw_layout(8)
    assert repr(first) == repr(again)
    assert repr(first) != repr(other)


def test_objects_leave_room_for_the_fingers_and_differ_in_name() -> None:
    for seed in range(100):
        objects = draw_layout(seed).objects
        places = np.array([placed.xy_m for placed in objects])
        distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
        assert np.all(distances[~np.eye(len(objects), dtype=bool)] >= MIN_SPACING_M)
        assert len({placed.kind for placed in objects}) == len(objects)
        assert len({placed.colour for placed in objects}) == len(objects)


def test_variants_take_turns_and_the_instruction_names_the_target() -> None:
    layout = next(layout for layout in map(draw_layout, range(50)) if len(layout.objects) == 3)
    assert {layout.target(variant).kind for variant in range(3)} == {o.kind for o in layout.objects}
    target = layout.target(1)
    assert target.phrase in instruction_for(target, np.random.default_rng(0))
