"""`mu0 learn`: one command from a folder to a policy with its held-out errors; refusals before any work."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mu0.cli.main import app
from mu0.policy.embodiment import UR3, Embodiment, read_embodiment
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy
from tests.mu0.policy.own_robot.robots import joint_names, write_robot

SHARED = Path(__file__).parents[4] / "shared/data"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def learn(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["learn", *map(str, arguments)])


@pytest.mark.slow
def test_a_folder_becomes_a_policy_and_a_report(tmp_path: Path) -> None:
    root = write_robot(tmp_path / "data", "v3.0", [12, 12, 14], 6, 2, joint_names(6))
    answer = learn(root, "--out", "policy", "--steps", 2, "--chunk", 4, "--seed", 1)
    assert answer.exit_code == 0, answer.output
    assert "6 actions (5 relative, 1 absolute), grippers: gripper, 10 Hz" in answer.output
    report = json.loads((tmp_path / "policy/report.json").read_text())
    assert set(report["held_out"]["per_dimension"]) == set(joint_names(6))
    assert report["data"]["n_usable"] == 3
    assert report["data"]["unusable"] == {}
    assert (tmp_path / "policy/report.html").is_file()
    assert (tmp_path / "policy/training.csv").is_file()
    policy = TraceConditionedPolicy.load(Path("policy"), None)
    assert policy.embodiment.action_names == tuple(joint_names(6))


@pytest.mark.slow
def test_params_name_the_folder_and_a_corrected_embodiment_counts(tmp_path: Path) -> None:
    root = write_robot(tmp_path / "data", "v2.1", [12, 12], 6)
    told = json.loads(learn(root, "--describe").stdout) | {"grippers": [], "name": "corrected"}
    Path("robot.json").write_text(json.dumps(told))
    Path("params.yaml").write_text(f"action_expert: {{demonstrations: {root}, steps: 2, chunk_len: 4}}\n")
    answer = learn("--embodiment", "robot.json", "--out", "policy")
    assert answer.exit_code == 0, answer.output
    assert TraceConditionedPolicy.load(Path("policy"), None).embodiment.name == "corrected"
    assert json.loads(Path("policy/report.json").read_text())["held_out"]["gripper_f1"] is None


def test_the_description_is_an_embodiment(tmp_path: Path) -> None:
    root = write_robot(tmp_path / "data", "v2.1", [12, 12], 7, 1, joint_names(7))
    Path("robot.json").write_text(learn(root, "--describe").stdout)
    found: Embodiment = read_embodiment(Path("robot.json"))
    assert found.action_names == tuple(joint_names(7))
    assert found != UR3


def test_what_cannot_be_used_is_told_on_the_way(tmp_path: Path) -> None:
    root = write_robot(tmp_path / "data", "v2.1", [12, 12])
    (root / "data/chunk-000/episode_000001.parquet").unlink()
    answer = learn(root, "--describe")
    assert "1 episodes cannot be used:\n  episode_000001: " in answer.stderr
    (root / "data/chunk-000/episode_000000.parquet").unlink()
    answer = learn(root, "--describe")
    assert answer.exit_code == 1
    assert "no usable episode" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((), "No demonstrations were named"),
        (("nowhere",), "meta/info.json is missing"),
        (("nowhere", "--variant", "grounded"), "no variant 'grounded'"),
        (("nowhere", "--variant", "mu0"), "--world-model is not given"),
        (("nowhere", "--variant", "stems", "--world-model", "model"), "--world-model is model"),
    ],
)
def test_refusals_come_first(arguments: tuple[str, ...], found: str) -> None:
    answer = learn(*arguments)
    assert answer.exit_code == 1
    assert found in answer.stderr


@pytest.mark.slow
@pytest.mark.real_data
def test_a_real_humanoid_is_learnt_from(tmp_path: Path) -> None:
    root = SHARED / "lerobot_v21_g1"
    if not root.exists():
        pytest.skip("../shared/data is absent")
    answer = learn(root, "--out", "policy", "--steps", 2)
    assert answer.exit_code == 0, answer.output
    assert "98 episodes cannot be used" in answer.stderr
    report = json.loads((tmp_path / "policy/report.json").read_text())
    assert report["data"]["n_usable"] == 2
    assert len(report["held_out"]["per_dimension"]) == 26
    assert len(report["embodiment"]["grippers"]) == 6
    policy = TraceConditionedPolicy.load(Path("policy"), None)
    assert policy.embodiment.rate_hz == 30
