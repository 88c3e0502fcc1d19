"""Every command tells what the system refuses, and nothing is left where nothing came of it."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mu0.cli.main import app
from mu0.cli.place import place_for
from mu0.cli.view import page_of
from mu0.inference.answers import unique_stems

RUN = CliRunner()
READ_ONLY = OSError(errno.EROFS, "Read-only file system", "outputs")


@pytest.mark.parametrize(
    "arguments",
    [
        ["extract", "clip.mp4", "--out", "file/out"],
        ["predict", "a.png", "--text", "x", "--out", "file/out"],
        ["extract", "clip.mp4", "--out", "file"],
    ],
)
def test_commands_say_beforehand_where_they_cannot_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "clip.mp4").write_text("never opened")
    result = RUN.invoke(app, arguments)
    assert result.exit_code == 1
    assert "PlaceError" in result.stderr
    assert "--out" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["extract", "clip.mp4"],
        ["predict", "a.png", "--text", "x"],
        ["view", "episode"],
        ["validate", "episode"],
        ["convert", "episode", "goal", "--to", "legacy"],
        ["estimate", "--params", "params.yaml"],
        ["import-official", "folder", "goal"],
        ["export-official", "folder", "goal"],
    ],
)
def test_every_command_tells_an_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise READ_ONLY

    monkeypatch.chdir(tmp_path)
    for name in ("mkdir", "open", "exists", "is_file", "is_dir"):
        monkeypatch.setattr(Path, name, refuse)
    result = RUN.invoke(app, arguments)
    assert result.exit_code == 1
    assert "Read-only file system" in result.stderr
    assert not isinstance(result.exception, OSError)


def test_pages_and_answers_of_long_names_have_names_that_files_can_have(tmp_path: Path) -> None:
    assert page_of(tmp_path / "a/b", Path("out")) == Path("out/a__b.html")
    assert page_of(tmp_path, Path("x.html")) == Path("x.html")
    long = tmp_path / ("l" * 200) / ("n" * 240)
    assert len(page_of(long, Path("out")).name) <= 200
    stems = unique_stems([Path("p" * 251 + ".jpg"), Path("p" * 251 + ".png"), Path("a.png")])
    assert len(set(stems)) == 3
    assert stems[2] == "a"
    assert max(map(len, stems)) <= 203


def test_a_place_is_made_and_taken_away_again(tmp_path: Path) -> None:
    with place_for(tmp_path / "a/b"):
        pass
    assert not (tmp_path / "a").exists()
    with place_for(tmp_path / "a/b") as out:
        (out / "result").touch()
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["result"]


@pytest.mark.slow
def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path) -> None:
    code = "from mu0.cli.main import people_errors\n@people_errors\ndef f():\n    while True: print('x')\nf()"
    found = subprocess.run(
        ["bash", "-c", f'{sys.executable} -c "$CODE" | head -1; exit ${{PIPESTATUS[0]}}'],
        env={**os.environ, "CODE": code},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.stdout == "x\n"
    assert not found.stderr
    assert found.returncode == 141
