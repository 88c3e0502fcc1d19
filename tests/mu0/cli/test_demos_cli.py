"""`mu0 demos`: what is wrong is told and decides the exit code; the source stays as it is."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mu0.cli.main import app
from mu0.files import sha256_of_tree
from mu0.sources.lerobot.dataset_v3 import DemonstrationEpisode, LeRobotDataset
from mu0.sources.lerobot.writer import write_lerobot_dataset

RUNNER = CliRunner()
T = 30


def demonstration(number: int, *, broken: bool = False) -> DemonstrationEpisode:
    share = np.linspace(0, 1, T)[:, None]
    state = np.sin(share * np.arange(1, 10) + number).astype(np.float32)
    action = np.cos(share * np.arange(1, 6) + number).astype(np.float32)
    action[:, 4] = np.linspace(0, 1, T) > 0.5
    if broken:
        action[7, 2] = np.nan
    frames = np.zeros((T, 16, 16, 3), np.uint8)
    return DemonstrationEpisode(frames, frames, state, action, "pick the apple")


def dataset(root: Path, *, broken: bool) -> Path:
    episodes = [demonstration(0), demonstration(1, broken=broken), demonstration(2)]
    write_lerobot_dataset(root, episodes, fps_hz=10.0, robot_type="ur3e")
    return root


def test_a_sound_dataset_passes(tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["demos", "doctor", str(dataset(tmp_path / "set", broken=False))])
    assert result.exit_code == 0
    assert "3 episodes; nothing found." in result.output


def test_an_unusable_episode_is_told_and_left_out(tmp_path: Path) -> None:
    root = dataset(tmp_path / "set", broken=True)
    before = sha256_of_tree(root)
    result = RUNNER.invoke(app, ["demos", "doctor", str(root), "--repair", str(tmp_path / "mended")])
    assert result.exit_code == 1
    assert "1 rows of action hold NaN or infinity; first row 7, dimension 2" in result.output
    assert "1 of 3 episodes are unusable: episode_000001." in result.output
    assert "2 episodes kept, 0 of them cut, 1 left out" in " ".join(result.output.split())
    assert sha256_of_tree(root) == before
    assert RUNNER.invoke(app, ["demos", "doctor", str(tmp_path / "mended")]).exit_code == 0


def test_export_says_what_it_wrote(tmp_path: Path) -> None:
    root, out = dataset(tmp_path / "set", broken=False), tmp_path / "old"
    result = RUNNER.invoke(app, ["demos", "export", str(root), str(out), "--to", "v2.1"])
    assert result.exit_code == 0
    assert "LeRobotDataset v2.1, 3 episodes" in result.output
    assert RUNNER.invoke(app, ["demos", "doctor", str(out)]).exit_code == 0
    assert [record.length for record in LeRobotDataset.open(root).episodes] == [T] * 3


@pytest.mark.parametrize("command", [["doctor", "nowhere"], ["export", "nowhere", "out"]])
def test_a_folder_that_is_no_dataset_is_named(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = RUNNER.invoke(app, ["demos", *command])
    assert result.exit_code == 1
    assert "nowhere/meta/info.json is missing" in result.output
