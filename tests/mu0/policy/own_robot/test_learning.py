"""From a folder to a policy: any number of joints and cameras, with and without a world model."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from mu0.dataset.statistics import NormalizerStats
from mu0.errors import CheckpointError, PolicyError
from mu0.model.checkpoint import save_checkpoint
from mu0.model.presets import preset
from mu0.model.tokenizer import train_tokenizer
from mu0.model.world_model import TraceWorldModel
from mu0.params.action_expert import ActionExpertParams
from mu0.policy.embodiment import UR3, EmbodimentError
from mu0.policy.own_robot.reading import read_own_dataset
from mu0.policy.own_robot.training import OwnVariant, Prepared, learn, prepare
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy
from mu0.policy.train_action_expert import Paths
from mu0.records import Observation
from tests.mu0.policy.own_robot.robots import joint_names, write_robot
from tests.mu0.sources.lerobot.lerobot_layouts import TASKS

PARAMS = ActionExpertParams(steps=3, chunk_len=4, batch_size=4, convolutions="float32", device="cpu", seed=1)
IMAGE = np.full((48, 96, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def world_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config, folder = preset("tiny"), tmp_path_factory.mktemp("world") / "model"
    tokenizer = train_tokenizer(list(TASKS), config.vocabulary_size, config.max_text_tokens)
    save_checkpoint(folder, TraceWorldModel(config, tokenizer, NormalizerStats(1.0, 1.0, 1.0, 1, 8, 32)), {})
    return folder


def taught(root: Path, out: Path, world_model: Path | None, variant: OwnVariant = "stems") -> Prepared:
    paths = Paths(root, world_model or out, out, out.parent / "cache")
    prepared = prepare(read_own_dataset(root), paths, PARAMS, variant, 0.1)
    learn(prepared, paths, PARAMS)
    return prepared


def moment(n_joints: int, n_cameras: int) -> Observation:
    views = [IMAGE] * n_cameras
    return Observation(
        views[0],
        TASKS[0],
        wrist_image=views[1] if n_cameras > 1 else None,
        proprioception=np.zeros(n_joints, np.float32),
        other_images=tuple(views[2:]),
    )


@pytest.mark.slow
@pytest.mark.shapes
@pytest.mark.parametrize(
    ("version", "n_joints", "n_cameras", "variant"),
    [
        ("v2.1", 6, 1, "stems"),
        ("v3.0", 7, 2, "stems"),
        ("v2.1", 14, 3, "stems"),
        ("v3.0", 6, 1, "mu0"),
        ("v2.1", 7, 2, "no_trace"),
        ("v3.0", 14, 3, "mu0"),
    ],
)
def test_the_policy_acts_on_its_robot(
    tmp_path: Path, world_model: Path, version: str, n_joints: int, n_cameras: int, variant: OwnVariant
) -> None:
    names = joint_names(n_joints)
    root = write_robot(tmp_path / "data", version, [12, 14, 12], n_joints, n_cameras, names)
    known = None if variant == "stems" else world_model
    prepared = taught(root, tmp_path / "out", known, variant)
    policy = TraceConditionedPolicy.load(tmp_path / "out", known)
    policy.reset(0)
    chunk = policy.predict_action_chunk(moment(n_joints, n_cameras))
    assert chunk.actions.shape == (4, n_joints)
    assert chunk.rate_hz == 10.0
    robot = prepared.embodiment
    assert policy.embodiment == robot
    assert (chunk.actions >= np.array(robot.action_low)).all()
    assert (chunk.actions <= np.array(robot.action_high)).all()
    policy.require_fit(robot, 4)
    with pytest.raises(EmbodimentError, match="plans 4 steps, but 5 shall be executed"):
        policy.require_fit(robot, 5)
    with pytest.raises(EmbodimentError, match="actions"):
        policy.require_fit(UR3, 4)
    with pytest.raises(EmbodimentError, match="pictures"):
        policy.predict_action_chunk(moment(n_joints, n_cameras + 1))


@pytest.mark.slow
def test_equal_data_and_seeds_give_equal_bytes_and_held_out_commands_do_not_matter(tmp_path: Path) -> None:
    """The second dataset differs in the commands of its held-out episode alone."""
    weights = []
    for number in range(2):
        root = write_robot(tmp_path / f"data_{number}", "v2.1", [12, 12], names=joint_names(7))
        out = tmp_path / f"out_{number}"
        paths = Paths(root, out, out, tmp_path / f"cache_{number}")
        prepared = prepare(read_own_dataset(root), paths, PARAMS, "stems", 0.1)
        (held_out,) = prepared.split.held_out
        if number:
            prepared.dataset.episodes[held_out.episode].action[:] = 1e3
        learn(prepared, paths, PARAMS)
        weights.append((out / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]


@pytest.mark.slow
def test_an_interrupted_training_ends_with_the_same_bytes(tmp_path: Path) -> None:
    root = write_robot(tmp_path / "data", "v2.1", [12, 12], names=joint_names(7))
    longer = PARAMS.model_copy(update={"steps": 12})

    def interrupt(step: int, row: dict[str, float]) -> None:
        if step == 10:
            os.kill(os.getpid(), signal.SIGINT)

    weights = []
    for name in ("through", "interrupted"):
        paths = Paths(root, tmp_path / name, tmp_path / name, tmp_path / f"cache_{name}")
        prepared = prepare(read_own_dataset(root), paths, longer, "stems", 0.1)
        if name == "interrupted":
            with pytest.raises(KeyboardInterrupt):
                learn(prepared, paths, longer, interrupt)
            assert not (tmp_path / name).exists()
        fitted, _ = learn(prepared, paths, longer)
        assert fitted.steps_run == {"through": 12, "interrupted": 1}[name]
        weights.append((tmp_path / name / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]


@pytest.mark.slow
def test_one_episode_is_learnt_from_up_to_the_part_that_is_held_out(tmp_path: Path) -> None:
    root = write_robot(tmp_path / "data", "v2.1", [40], names=joint_names(7))
    prepared = taught(root, tmp_path / "out", None)
    assert [(one.first, one.end) for one in (*prepared.split.train, *prepared.split.held_out)] == [
        (0, 32),
        (32, 40),
    ]


@pytest.mark.slow
def test_without_a_gripper_a_policy_is_learnt_all_the_same(tmp_path: Path) -> None:
    names = joint_names(6, gripper=False)
    root = write_robot(tmp_path / "data", "v3.0", [12, 12], 6, 1, names, gripper=False)
    prepared = taught(root, tmp_path / "out", None)
    assert prepared.embodiment.grippers == ()
    assert TraceConditionedPolicy.load(tmp_path / "out", None).predict_action_chunk(moment(6, 1))


@pytest.mark.slow
def test_a_policy_with_a_world_model_asks_for_it(tmp_path: Path, world_model: Path) -> None:
    root = write_robot(tmp_path / "data", "v2.1", [12, 12])
    taught(root, tmp_path / "out", world_model, "no_trace")
    with pytest.raises(CheckpointError, match="none was named"):
        TraceConditionedPolicy.load(tmp_path / "out", None)


def test_what_is_no_policy_is_not_replaced(tmp_path: Path) -> None:
    root = write_robot(tmp_path / "data", "v2.1", [12, 12])
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("years of work")
    with pytest.raises(PolicyError, match="holds something that is no policy"):
        taught(root, tmp_path / "out", None)
    assert (tmp_path / "out/thesis.txt").read_text() == "years of work"
