"""Every task is found by its name, and is what the registry says."""

import pytest

from mu0.envs.ur3.arm_world import ArmWorld
from mu0.envs.ur3.tasks import TASKS, find_task
from mu0.errors import SimulationError
from mu0.policy.embodiment import UR3


@pytest.mark.parametrize("name", TASKS)
def test_a_task_makes_a_world_that_its_demonstrator_can_act_in(name: str) -> None:
    task = find_task(name)
    world = task.make(64, render=False)
    assert isinstance(world, ArmWorld)
    world.reset(0)
    phase, wanted, executed = next(iter(task.demonstrate(world, None)))
    assert phase == "reach"
    assert len(wanted) == len(executed) == world.n_pose + 1


def test_names_and_gymnasium_ids_are_unique_and_a_wrong_name_lists_them() -> None:
    assert len({task.gymnasium_id for task in TASKS.values()}) == len(TASKS)
    with pytest.raises(SimulationError, match=r"(?s)no task 'juggle'.*pick, pour"):
        find_task("juggle")


@pytest.mark.parametrize("name", TASKS)
def test_numbers_have_as_many_names_as_there_are(name: str) -> None:
    task = TASKS[name]
    world = task.make(render=False)
    world.reset(0)
    assert len(task.state_names) == len(world.state())
    assert len(task.action_names) == world.n_pose + 1


def test_the_names_of_pick_are_those_of_its_embodiment() -> None:
    assert TASKS["pick"].state_names == UR3.state_names
    assert TASKS["pick"].action_names == UR3.action_names
