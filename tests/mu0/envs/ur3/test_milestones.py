"""Milestones of every task: the demonstrator passes all, a hand that stays none; reasons in order."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("mujoco")
from mu0.envs.ur3.milestones import AbstractMilestones
from mu0.envs.ur3.tasks import TASKS

SEED = 1001


def play(task: str, n_steps: int | None = None) -> tuple[Any, AbstractMilestones[Any]]:
    """The demonstrator's first steps, all where there is no number."""
    world = TASKS[task].make(render=False)
    world.reset(SEED)
    seen = TASKS[task].watch(world)
    for number, (_, _, action) in enumerate(TASKS[task].demonstrate(world, None)):
        if number == n_steps:
            break
        seen.before(action)
        world.advance(action)
        seen.after(action)
    return world, seen


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_demonstrator_passes_all_of_them(task: str) -> None:
    world, seen = play(task)
    assert (seen.reached, seen.grasped, seen.lifted, seen.why_not()) == (True, True, True, "")
    assert seen.closest_m < 0.02
    assert seen.aim_error_m < 0.02
    assert world.score() > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_a_hand_that_stays_passes_none(task: str) -> None:
    world, seen = play(task, 0)
    action = world.command.copy()
    seen.before(action)
    world.advance(action)
    seen.after(action)
    assert (seen.reached, seen.grasped, seen.lifted) == (False, False, False)
    assert seen.why_not() == "never came to the target"
    assert np.isnan(seen.aim_error_m)
    assert world.score() < 0.001


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_a_hand_that_closes_in_the_air_holds_nothing(task: str) -> None:
    world, seen = play(task, 0)
    action = world.command.copy()
    action[-1] = 1.0
    for _ in range(3):
        seen.before(action)
        world.advance(action)
        seen.after(action)
    assert not seen.grasped
    assert seen.aim_error_m > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "why"), [("pour", "lifted the cup, but poured nothing"), ("towel", "spread out in part")]
)
def test_an_interrupted_task_says_how_far_it_came(task: str, why: str) -> None:
    world, seen = play(task, 55 if task == "pour" else 30)
    assert seen.lifted
    assert seen.why_not() == why
    assert not world.is_success()
