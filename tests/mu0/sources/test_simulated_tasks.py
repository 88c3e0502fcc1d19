"""Sources of the arm's other tasks: numbers of the registry, truth that moves, names that do not meet."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from mu0.envs.entities import TARGET
from mu0.envs.ur3.tasks import TASKS
from mu0.params.raw_videos import RawVideosParams, SimulatedSource
from mu0.policy.arms import demonstrated_arm
from mu0.sources.clip.on_disk import read_clip
from mu0.sources.collect import collect_clips, read_index
from mu0.sources.demonstrations import Kept, write_demonstrations
from mu0.sources.lerobot.dataset_v3 import LeRobotDataset
from mu0.sources.lerobot.doctor.replay import replay_all
from mu0.sources.lerobot.layout import read_layout


@dataclass(frozen=True)
class Recorded:
    """A source of one clip, and where it lies."""

    params: SimulatedSource
    root: Path
    dataset: LeRobotDataset


def source(**changes: object) -> SimulatedSource:
    values = {"kind": "simulated", "embodiment": "ur3", "n_clips": 1, "image_size_px": 64, "seed": 7}
    return SimulatedSource.model_validate(values | changes)


@pytest.fixture(scope="module", params=["pour", "towel"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    root = tmp_path_factory.mktemp(request.param)
    params = source(task=request.param)
    raw = RawVideosParams(sources={"arm": params}, workers=1)
    collect_clips(raw, root / "clips", root / "tracks", root / "cache")
    dataset = write_demonstrations(root / "clips", "arm", root / "set", Kept(recorded=params))
    return Recorded(params, root, dataset)


@pytest.mark.slow
def test_a_clip_has_the_numbers_of_its_task_and_a_target_that_moves(recorded: Recorded) -> None:
    task = TASKS[recorded.params.task]
    [row] = read_index(recorded.root / "clips").to_dict("records")
    robot = read_clip(recorded.root / "clips/arm" / row["clip_id"]).robot()
    assert row["demonstrator_success"]
    assert row["clip_id"] == f"ur3_{task.name}_000007_00000"
    assert robot is not None
    assert robot.state.shape[1] == len(task.state_names)
    assert robot.action.shape[1] == len(task.action_names)
    [truth] = (recorded.root / "tracks").rglob("*.npz")
    with np.load(truth, allow_pickle=False) as tracks:
        assert tracks["is_moving"][tracks["entity"] == TARGET].mean() > 0.2
        assert tracks["target_name"].item().split()[-1] in ("cup", "towel")


@pytest.mark.slow
def test_experts_read_the_task_from_the_demonstrations(recorded: Recorded) -> None:
    assert demonstrated_arm(recorded.dataset).task == recorded.params.task


@pytest.mark.slow
def test_a_replay_sets_up_the_world_of_the_task(recorded: Recorded) -> None:
    layout = read_layout(recorded.root / "set")
    [replayed] = replay_all(layout, {"episode_000000"})
    assert replayed.start_off_cm == 0, "how it ends is a matter of rounding: cloth and almonds magnify it"
    assert replayed.label
    assert {finding.severity for finding in replayed.findings()} <= {"notice"}


def test_clips_of_pick_are_called_as_before_there_were_tasks() -> None:
    assert [source(task=task).clip_prefix for task in TASKS] == ["ur3", "ur3_pour", "ur3_towel"]


def test_a_hand_has_no_task_and_no_task_is_made_up() -> None:
    with pytest.raises(ValidationError, match="task: pour is for the embodiment ur3 only"):
        source(embodiment="human_hand", task="pour")
    with pytest.raises(ValidationError, match="'pick', 'pour' or 'towel'"):
        source(task="knit")
