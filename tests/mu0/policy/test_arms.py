"""Our arm by task: the records are what the simulator has, datasets tell their task, experts keep to it."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mu0.policy.arms import ARMS, demonstrated_arm, one_task
from mu0.policy.demonstrations import stored_demonstrations
from mu0.policy.embodiment import Embodiment, EmbodimentError
from mu0.sources.lerobot.dataset_v3 import ACTION, STATE, DemonstrationEpisode, LeRobotDataset
from mu0.sources.lerobot.ur3_features import ur3_contents, ur3_episode
from mu0.sources.lerobot.writing_v3 import write_v3


def written(folder: Path, task: str, told: Sequence[str | None]) -> LeRobotDataset:
    """One episode of eight rows for each of `told`, with the numbers of a task's arm."""
    robot = ARMS[task]
    image = np.zeros((8, 32, 32, 3), np.uint8)
    action = np.zeros((8, robot.action_dim), np.float32)
    action[3:6, -1] = 1
    state = np.zeros((8, robot.state_dim), np.float32)
    state[:, list(robot.tcp_m)] = np.arange(8)[:, None] / 10
    demo = ur3_episode(DemonstrationEpisode(image, image, state, action, "pour the almonds"))
    episodes = [dataclasses.replace(demo, facts={} if one is None else {"task": one}) for one in told]
    contents = ur3_contents(10.0, "ur3e")
    names = {STATE: robot.state_names, ACTION: robot.action_names}
    columns = contents.columns | {
        key: {"dtype": "float32", "shape": [len(value)], "names": list(value)} for key, value in names.items()
    }
    write_v3(folder, episodes, dataclasses.replace(contents, columns=columns))
    return LeRobotDataset.open(folder)


def test_the_records_are_those_of_the_simulator() -> None:
    pytest.importorskip("mujoco")
    from mu0.envs.ur3.tasks import TASKS

    assert {name: (task.state_names, task.action_names) for name, task in TASKS.items()} == {
        name: (arm.state_names, arm.action_names) for name, arm in ARMS.items()
    }


@pytest.mark.parametrize("robot", ARMS.values(), ids=ARMS)
def test_a_state_begins_with_the_commands_and_ends_with_the_tcp(robot: Embodiment) -> None:
    assert robot.state_names[: robot.action_dim] == tuple(f"commanded_{name}" for name in robot.action_names)
    assert [robot.state_names[i] for i in robot.tcp_m] == ["x_m", "y_m"]
    assert robot.references == robot.relative == tuple(range(robot.action_dim - 1))


def test_two_tasks_share_a_record_and_pouring_has_its_own() -> None:
    assert ARMS["pick"].sha256() == ARMS["towel"].sha256() != ARMS["pour"].sha256()


@pytest.mark.parametrize("task", [*ARMS, None])
def test_a_dataset_tells_its_task_and_an_older_one_is_of_pick(tmp_path: Path, task: str | None) -> None:
    arm = demonstrated_arm(written(tmp_path / "data", task or "pick", [task, task]))
    assert (arm.task, arm.embodiment) == (task or "pick", ARMS[task or "pick"])


def test_rows_have_the_sizes_of_their_arm(tmp_path: Path) -> None:
    written(tmp_path / "data", "pour", ["pour"])
    frames, _ = stored_demonstrations(tmp_path / "data", 4, 1, tmp_path / "cache")
    assert frames.chunk.shape == (8, 4, 6)
    assert frames.keyframe.shape == (8, 5)
    np.testing.assert_allclose(frames.told[:, 0], [0.3, 0.2, 0.1, 0, 0, 0, -0.1, -0.2], atol=1e-6)


def test_several_tasks_in_one_dataset_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        EmbodimentError, match="episode 0 is of the task pick; episode 1 is of the task towel"
    ):
        demonstrated_arm(written(tmp_path / "data", "pick", ["pick", "towel"]))


def test_numbers_of_another_task_are_refused_with_both(tmp_path: Path) -> None:
    with pytest.raises(EmbodimentError, match=r"the states 10: .*tilt_rad.*; the task towel has 9: "):
        demonstrated_arm(written(tmp_path / "data", "pour", ["towel"]))


def test_an_unknown_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbodimentError, match=r"no task 'fold'.*\n.*pick, pour, towel"):
        demonstrated_arm(written(tmp_path / "data", "pick", ["fold"]))


def test_experts_of_different_tasks_are_named() -> None:
    with pytest.raises(EmbodimentError, match="a is of the task pick; c is of the task pour"):
        one_task({"a": "pick", "b": "pick", "c": "pour"}, "one task", "name one")
