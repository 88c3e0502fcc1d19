"""Rerun recordings and debug videos of an episode, and the command that writes them."""

import sys
from pathlib import Path

import av
import numpy as np
import pytest
from episode_scene import NEAR_M, STEP_PX, T, make_captions, make_episode

from mu0.cli.view import find_episode, view_episode
from mu0.episodes.read import read_episode
from mu0.errors import EpisodeError
from mu0.viewer.episode.debug_video import BAR_PX, WIDTH_PX, recent_pixels, write_debug_video
from mu0.viewer.episode.rerun_recording import write_recording


def _rows(path: Path) -> dict[str, list]:
    """Every entity's record batches, read back by Rerun's own reader."""
    chunk = pytest.importorskip("rerun.chunk", reason="needs rerun-sdk")
    found: dict[str, list] = {}
    for piece in chunk.RrdReader(path).stream():
        found.setdefault(piece.entity_path, []).append(piece.to_record_batch().to_pandas())
    return found


def test_a_recording_holds_every_frame_anchor_and_caption(tmp_path: Path) -> None:
    folder = make_episode(tmp_path / "a")
    write_recording(folder, tmp_path / "a.rrd", make_captions(tmp_path / "captions"))
    found = _rows(tmp_path / "a.rrd")
    count = {name: sum(len(table) for table in tables) for name, tables in found.items()}
    for name in ("/world/camera", "/world/camera/image/rgb", "/world/camera/image/depth", "/acceleration"):
        assert count[name] == T
    assert count["/world/points"] == count["/world/traces"] == 5
    captions = [text[0] for table in found["/caption"] for text in table["TextLog:text"]]
    assert captions == ["the square slides", "it stops"]


def test_points_of_a_recording_lie_in_the_world(tmp_path: Path) -> None:
    folder = make_episode(tmp_path / "a", camera_moves=True)
    write_recording(folder, tmp_path / "a.rrd")
    table = _rows(tmp_path / "a.rrd")["/world/points"][0]
    points = np.stack([np.stack(list(row)) for row in table["Points3D:positions"]])
    np.testing.assert_allclose(points[..., 2], float(np.float16(NEAR_M)), atol=1e-6)
    moved = points[1:, 0, 0] - points[0, 0, 0]  # two pixels a frame at 0.6 m, and the camera's own 20 mm
    np.testing.assert_allclose(moved, (STEP_PX * 0.6 / 60 + 0.02) * 2 * np.arange(1, 5), atol=1e-3)


def test_a_2d_recording_has_a_picture_and_no_world(tmp_path: Path) -> None:
    write_recording(make_episode(tmp_path / "a", is_3d=False), tmp_path / "a.rrd")
    found = _rows(tmp_path / "a.rrd")
    assert {"/picture", "/picture/points", "/picture/traces"} <= set(found)
    assert not any(name.startswith("/world") for name in found)


def test_without_rerun_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(EpisodeError, match=r"rerun-sdk is not installed(.|\n)*make install"):
        write_recording(make_episode(tmp_path / "a"), tmp_path / "a.rrd")
    assert not (tmp_path / "a.rrd").exists()


def test_tails_follow_the_square_between_anchors_too(tmp_path: Path) -> None:
    episode = read_episode(make_episode(tmp_path / "a"))
    rows, tail = recent_pixels(episode, 7, 4)  # frame 7 is no anchor
    assert (rows.start, rows.stop) == (18, 24)
    np.testing.assert_allclose(tail[0, :, 0], 10 + STEP_PX * np.arange(4, 8), atol=0.05)


def test_tails_stay_in_the_world_when_the_camera_moves(tmp_path: Path) -> None:
    episode = read_episode(make_episode(tmp_path / "a", camera_moves=True))
    _, still = recent_pixels(episode, 6, 1)
    _, later = recent_pixels(episode, 7, 2)
    shift_px = 60 * 0.02 / 0.6  # the camera goes 20 mm to the right, so all it sees goes left
    np.testing.assert_allclose(later[:, 0, 0], still[:, 0, 0] - shift_px, atol=0.05)


def test_the_video_shows_every_frame_and_is_the_same_every_time(tmp_path: Path) -> None:
    folder, captions = make_episode(tmp_path / "a"), make_captions(tmp_path / "captions", "über alles")
    for name in ("1", "2"):
        write_debug_video(folder, tmp_path / f"{name}.mp4", captions)
    assert (tmp_path / "1.mp4").read_bytes() == (tmp_path / "2.mp4").read_bytes()
    with av.open(str(tmp_path / "1.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == T
    assert frames[0].shape == (720 + BAR_PX, WIDTH_PX, 3)
    assert frames[3][720:].max() > 200  # words


def test_the_command_prints_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_episode(tmp_path / "data/extracted_traces/tests/a")
    make_captions(tmp_path / "data/captions/tests/a")
    view_episode(
        Path("tests/a"),
        Path("out"),
        Path("data/extracted_traces"),
        anchor=4,
        recording=True,
        video=True,
        opens=True,
    )
    files = [tmp_path / "out" / f"tests__a{end}" for end in (".html", ".rrd", ".mp4")]
    assert [line.split("  (")[0] for line in capsys.readouterr().out.splitlines()] == [str(f) for f in files]
    assert all(path.stat().st_size > 1000 for path in files)
    assert "the square slides" in files[0].read_text()


def test_an_unknown_episode_names_a_neighbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_episode(tmp_path / "data/extracted_traces/tests/a")
    with pytest.raises(EpisodeError, match=r"There is no episode tests/b\.\n(.|\n)*such as tests/a\."):
        find_episode(Path("tests/b"), Path("data/extracted_traces"))
