"""Our arm by task: the records are what the simulator has, datasets tell their task, experts keep to it."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mu0.model.checkpoint import save_checkpoint
from mu0.params.action_expert import ActionExpertParams
from mu0.policy.action_expert import Variant
from mu0.policy.arms import ARMS, demonstrated_arm, one_task
from mu0.policy.demonstrations import stored_demonstrations
from mu0.policy.embodiment import Embodiment, EmbodimentError
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy
from mu0.policy.train_action_expert import Paths, train_action_expert
from mu0.records import Observation
from mu0.sources.lerobot.dataset_v3 import ACTION, STATE, DemonstrationEpisode, LeRobotDataset
from mu0.sources.lerobot.ur3_features import ur3_contents, ur3_episode
from mu0.sources.lerobot.writing_v3 import write_v3
from tests.mu0.policy.rival_experts import tiny_world_model


def written(folder: Path, task: str, told: Sequence[str | None]) -> LeRobotDataset:
    """One episode of eight rows for each of `told`, with the numbers of a task's arm."""
    robot = ARMS[task]
    image = np.zeros((8, 64, 64, 3), np.uint8)
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


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["no_trace", "grounded", "grounded_front"])
def test_an_expert_learns_and_acts_in_the_task_of_its_demonstrations(
    tmp_path: Path, variant: Variant
) -> None:
    written(tmp_path / "data", "pour", ["pour", "pour"])
    save_checkpoint(tmp_path / "world_model", tiny_world_model(), {})
    paths = Paths(tmp_path / "data", tmp_path / "world_model", tmp_path / "expert", tmp_path / "cache")
    params = ActionExpertParams(steps=2, batch_size=2, convolutions="float32", device="cpu")
    _, meta = train_action_expert(paths, variant, params)
    policy = TraceConditionedPolicy.load(paths.expert, paths.world_model)
    assert (meta["task"], policy.task, policy.embodiment) == ("pour", "pour", ARMS["pour"])
    picture = np.zeros((64, 64, 3), np.uint8)
    state = np.zeros(10, np.float32)
    state[5] = 1.0  # a closed hand holds the cup: nobody has to be asked where that is
    seen = Observation(picture, "pour the almonds", wrist_image=picture, proprioception=state)
    policy.reset(0)
    assert policy.predict_action_chunk(seen).actions.shape == (16, 6)
    policy.require_task("pour")
    with pytest.raises(EmbodimentError, match="trained for the task pour; it shall act in pick"):
        policy.require_task("pick")
    with pytest.raises(EmbodimentError, match=r"actions 6: .*tilt_rad.*; the robot has 5"):
        policy.require_fit(ARMS["towel"], 8)
