"""`mu0 validate` and `mu0 convert`: exit codes, and tables that name file, field, found and expected."""

import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "episodes" / "layouts"))
import strangers

from mu0.cli.main import app
from mu0.file_lock import locked

RUNNER = CliRunner()


@pytest.fixture
def mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    strangers.write_legacy(tmp_path / "src" / "old")
    strangers.write_traceforge(tmp_path / "src" / "forge")
    return tmp_path


def test_sound_episodes_are_counted(mixed: Path) -> None:
    result = RUNNER.invoke(app, ["validate", "src", "--index", "episodes.csv"])
    assert result.exit_code == 0, result.output
    assert "2 episode(s), all valid (1 traceforge, 1 legacy)." in result.output
    assert "episodes.csv: 2 episode(s), 2004 rows of traces." in result.output
    assert (mixed / "episodes.csv").read_text().count("\n") == 3


def test_a_fault_is_a_line_with_file_field_found_and_expected(mixed: Path) -> None:
    path = mixed / "src/old/samples/old_0.npz"
    with np.load(path) as archive:
        content = {key: archive[key] for key in archive.files}
    np.savez(path, **content | {"frame_index": np.array([3])})
    (mixed / "src/forge/samples/forge_1.npz").write_bytes(b"PK")
    result = RUNNER.invoke(app, ["validate", "src"])
    assert result.exit_code == 1
    lines = [line.split("  ") for line in result.output.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert ["episode", "file", "field", "found", "expected"] in cells
    assert ["old", "samples/old_0.npz", "frame_index", "[3]", "[0], as in its name"] in cells
    assert any(line[:3] == ["forge", "samples/forge_1.npz", "file"] for line in cells)
    assert "2 of 2 episodes break the format (2 faults; 1 traceforge, 1 legacy)." in result.output


def test_converting_says_what_it_costs_and_goes_on_where_it_stopped(mixed: Path) -> None:
    result = RUNNER.invoke(app, ["convert", "src", "dst", "--to", "official"])
    assert result.exit_code == 0, result.output
    assert "never there: the past of every trace" in result.output
    assert "lost: digits of positions beyond float16" in result.output
    assert "2 converted; in dst" in result.output
    assert RUNNER.invoke(app, ["validate", "dst"]).exit_code == 0
    assert "2 up to date; in dst" in RUNNER.invoke(app, ["convert", "src", "dst", "--to", "official"]).output


def test_converting_refuses_to_overwrite_and_names_unknown_layouts(mixed: Path) -> None:
    (mixed / "dst" / "old").mkdir(parents=True)
    result = RUNNER.invoke(app, ["convert", "src", "dst", "--to", "official"])
    assert result.exit_code == 1
    assert "dst/old exists already." in result.output
    assert RUNNER.invoke(app, ["convert", "src", "dst", "--to", "official", "--overwrite"]).exit_code == 0
    result = RUNNER.invoke(app, ["convert", "src", "dst", "--to", "zarr"])
    assert result.exit_code == 1
    assert "There is no layout 'zarr'" in result.output


def test_a_broken_episode_fails_the_command_after_the_others(mixed: Path) -> None:
    (mixed / "src/old/images/old_1.png").write_bytes(b"")
    result = RUNNER.invoke(app, ["convert", "src", "dst", "--to", "official"])
    assert result.exit_code == 1
    assert "1 converted, 1 failed; in dst" in result.output
    assert "old_1.png is no image" in result.output


def test_what_a_killed_conversion_left_is_swept(mixed: Path) -> None:
    (mixed / "dst" / ".old.x7k2").mkdir(parents=True)
    (mixed / "dst" / ".old.x7k2" / "images.npy").write_bytes(b"half")
    (mixed / "dst" / ".mine").mkdir()
    assert RUNNER.invoke(app, ["convert", "src", "dst", "--to", "official"]).exit_code == 0
    assert sorted(path.name for path in (mixed / "dst").iterdir()) == [".mine", "forge", "old"]


def test_two_conversions_do_not_meet_in_one_folder(mixed: Path) -> None:
    with locked(mixed / "dst" / ".mu0_convert.lock"):
        result = RUNNER.invoke(app, ["convert", "src", "dst", "--to", "official"])
    assert result.exit_code == 1
    assert "Another process is converting into dst" in result.output
