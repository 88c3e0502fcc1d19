"""Clips: what is written comes back, depth to the millimetre; what does not fit together is named."""

import json
from pathlib import Path

import numpy as np
import pytest

from mu0.errors import SourceError
from mu0.sources.clip.checks import write_arrays
from mu0.sources.clip.on_disk import Clip, ClipInfo, RobotLog, list_clips, read_clip, write_clip
from mu0.sources.containers.encoding import write_depth_video

T, H, W = 6, 24, 32
RNG = np.random.default_rng(0)
INFO = ClipInfo("c1", "ur3_sim", 10.0, 0, 0, 0, instruction="pick the apple", embodiment="ur3")
FRAMES = np.broadcast_to(np.arange(T, dtype=np.uint8)[:, None, None, None] * 40, (T, H, W, 3)).copy()
DEPTH_MM = RNG.integers(0, 5000, (T, H, W))
DEPTH_M = (DEPTH_MM / 1000).astype(np.float32)
INTRINSICS = np.array([[30.0, 0, 15.5], [0, 30.0, 11.5], [0, 0, 1]])
POSES = np.tile(np.eye(4), (T, 1, 1))
ROBOT = RobotLog(RNG.normal(size=(T, 9)).astype(np.float32), RNG.normal(size=(T, 5)).astype(np.float32))


def write_full(folder: Path) -> Clip:
    return write_clip(
        folder,
        INFO,
        FRAMES,
        depth_m=DEPTH_M,
        intrinsics=INTRINSICS,
        camera_from_world=POSES,
        wrist_frames=FRAMES[:, :16, :16],
        robot=ROBOT,
    )


def test_every_part_comes_back_and_depth_exactly(tmp_path: Path) -> None:
    write_full(tmp_path / "ur3_sim/c1")
    clip = read_clip(tmp_path / "ur3_sim/c1")
    assert (clip.info.n_frames, clip.info.height_px, clip.info.width_px) == (T, H, W)
    assert (clip.info.instruction, clip.info.has_depth, clip.info.has_robot) == ("pick the apple", True, True)
    np.testing.assert_allclose(clip.frames().astype(int), FRAMES.astype(int), atol=3)
    depth_m = clip.depth_m()
    assert depth_m is not None
    np.testing.assert_array_equal(depth_m, DEPTH_M)
    np.testing.assert_array_equal(np.rint(depth_m * 1000), DEPTH_MM)
    np.testing.assert_array_equal(clip.intrinsics(), INTRINSICS)
    np.testing.assert_array_equal(clip.camera_from_world(), POSES)
    robot, wrist = clip.robot(), clip.wrist_frames()
    assert robot is not None
    assert wrist is not None
    np.testing.assert_array_equal(robot.action, ROBOT.action)
    assert wrist.shape == (T, 16, 16, 3)
    assert list_clips(tmp_path) == [tmp_path / "ur3_sim/c1"]


def test_a_plain_clip_has_only_frames(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "c1", INFO, FRAMES)
    assert [
        clip.depth_m(),
        clip.intrinsics(),
        clip.camera_from_world(),
        clip.robot(),
        clip.wrist_frames(),
    ] == [None] * 5
    assert sorted(path.name for path in (tmp_path / "c1").iterdir()) == ["clip.json", "video.mp4"]


def test_equal_clips_are_equal_bytes(tmp_path: Path) -> None:
    write_full(tmp_path / "a")
    write_full(tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_depth_beyond_sixteen_bits_counts_as_missing(tmp_path: Path) -> None:
    depth_m = np.full((T, H, W), 65.535, np.float32)
    depth_m[0] = 65.54
    stored = write_clip(tmp_path / "c1", INFO, FRAMES, depth_m=depth_m).depth_m()
    assert stored is not None
    assert stored[0].max() == 0
    assert stored[1].min() == np.float32(65.535)


@pytest.mark.parametrize(
    ("poison", "words"),
    [(np.nan, "1 values that are NaN"), (np.inf, "1 values"), (-0.1, "1 values")],
)
def test_nan_depth_is_refused_and_leaves_nothing(tmp_path: Path, poison: float, words: str) -> None:
    depth_m = DEPTH_M.copy()
    depth_m[2, 3, 4] = poison
    with pytest.raises(
        SourceError, match=rf"c1: depth image 2 holds {words}[\s\S]*0 where nothing was measured"
    ):
        write_clip(tmp_path / "c1", INFO, FRAMES, depth_m=depth_m)
    assert list(tmp_path.iterdir()) == []


def test_depth_of_another_size_is_refused_when_written_and_when_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"depth image 0 has shape \(12, 16\)[\s\S]*\(24, 32\)"):
        write_clip(tmp_path / "c1", INFO, FRAMES, depth_m=DEPTH_M[:, ::2, ::2])
    write_full(tmp_path / "c1")
    (tmp_path / "c1/depth.mkv").unlink()
    write_depth_video(tmp_path / "c1/depth.mkv", np.zeros((T, 12, 16), np.uint16), 10.0)
    with pytest.raises(SourceError, match=r"depth\.mkv holds images of 12 x 16 pixels[\s\S]*24 x 32"):
        read_clip(tmp_path / "c1")


def test_missing_depth_images_are_counted(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="found 5 depth images for 6 frames"):
        write_clip(tmp_path / "c1", INFO, FRAMES, depth_m=DEPTH_M[:5])
    write_full(tmp_path / "c1")
    (tmp_path / "c1/depth.mkv").unlink()
    write_depth_video(tmp_path / "c1/depth.mkv", np.zeros((4, H, W), np.uint16), 10.0)
    with pytest.raises(SourceError, match="found 4 of 6 frames"):
        read_clip(tmp_path / "c1").depth_m()


@pytest.mark.parametrize("name", ["clip.json", "video.mp4", "depth.mkv", "cameras.npz", "robot.npz"])
def test_a_missing_part_is_named(tmp_path: Path, name: str) -> None:
    write_full(tmp_path / "c1")
    (tmp_path / "c1" / name).unlink()
    with pytest.raises(SourceError, match=f"{name} is missing"):
        read_clip(tmp_path / "c1")


def test_wrong_cameras_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"camera_from_world has shape \(5, 4, 4\)[\s\S]*\(6, 4, 4\)"):
        write_clip(tmp_path / "c1", INFO, FRAMES, intrinsics=INTRINSICS, camera_from_world=POSES[:5])
    with pytest.raises(SourceError, match=r"camera_from_world\[0\] is no rigid motion"):
        write_clip(tmp_path / "c1", INFO, FRAMES, intrinsics=INTRINSICS, camera_from_world=2 * POSES)
    with pytest.raises(SourceError, match="intrinsics is missing"):
        write_clip(tmp_path / "c1", INFO, FRAMES, camera_from_world=POSES)


def test_a_file_name_in_the_metadata_cannot_leave_the_folder(tmp_path: Path) -> None:
    write_full(tmp_path / "c1")
    path = tmp_path / "c1/clip.json"
    path.write_text(path.read_text().replace('"video.mp4"', '"../secret.mp4"'))
    with pytest.raises(SourceError, match=r"'\.\./secret\.mp4' points outside"):
        read_clip(tmp_path / "c1")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_frames": "six"}, "n_frames is 'six'"),
        ({"extra": 1}, "extra"),
        ({"has_depth": 1}, "has_depth is 1"),
    ],
)
def test_wrong_metadata_are_named(tmp_path: Path, change: dict[str, object], words: str) -> None:
    write_full(tmp_path / "c1")
    path = tmp_path / "c1/clip.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(SourceError, match=words):
        read_clip(tmp_path / "c1")


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    write_full(tmp_path / "c1")
    np.savez(tmp_path / "c1/robot.npz", state=np.array([{"a": 1}], dtype=object), action=ROBOT.action)
    with pytest.raises(SourceError, match=r"robot\.npz cannot be read"):
        read_clip(tmp_path / "c1")


def test_a_robot_log_of_another_length_is_named(tmp_path: Path) -> None:
    write_full(tmp_path / "c1")
    write_arrays(tmp_path / "c1/robot.npz", state=ROBOT.state[:3], action=ROBOT.action)
    with pytest.raises(SourceError, match=r"robot\.npz: state has shape \(3, 9\)[\s\S]*\(6, 9\)"):
        read_clip(tmp_path / "c1")
