"""The hand does what it says, and repeats itself."""

import numpy as np
import pytest

from mu0.envs.hand import HandScene


def _last_place(scene: HandScene, seed: int) -> tuple[int, np.ndarray]:
    scene.reset_variant(seed, 0)
    n_frames = sum(1 for _ in scene.play())
    return n_frames, scene.data.joint(scene.target.kind).qpos.copy()


@pytest.mark.slow
def test_the_target_ends_where_the_task_wants_it(hand_scene: HandScene) -> None:
    for seed in range(6):
        n_frames, _ = _last_place(hand_scene, seed)
        assert hand_scene.is_success(), hand_scene.instruction
        assert 50 <= n_frames <= 80


def test_equal_seeds_repeat_exactly(hand_scene: HandScene) -> None:
    first = _last_place(hand_scene, 1)
    _last_place(hand_scene, 2)
    again = _last_place(hand_scene, 1)
    assert first[0] == again[0]
    np.testing.assert_array_equal(first[1], again[1])


@pytest.mark.parametrize(
    ("task", "phases"),
    [
        ("place", ["reach", "grasp", "lift", "transport", "place", "release", "retreat"]),
        ("push", ["reach", "push", "retreat"]),
    ],
)
def test_the_phases_of_a_task_come_in_order(hand_scene: HandScene, task: str, phases: list[str]) -> None:
    seed = next(seed for seed in range(30) if _task(hand_scene, seed) == task)
    hand_scene.reset_variant(seed, 0)
    assert list(dict.fromkeys(hand_scene.phase for _ in hand_scene.play())) == phases


def _task(scene: HandScene, seed: int) -> str:
    scene.reset_variant(seed, 0)
    return scene.task
