"""Videos: round trips, upright frames on an even grid, and the words when a file is damaged."""

import os
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mu0.errors import SourceError
from mu0.sources.containers.encoding import write_depth_video, write_lossless_video, write_video
from mu0.sources.containers.video import iter_depth_mm, iter_frames, probe_video, read_frames, read_range

SHARED = Path(__file__).parents[5] / "shared/data"
RNG = np.random.default_rng(0)
ENCODE_NOISE = """
import sys, cv2, numpy as np
from pathlib import Path
from mu0.sources.containers.encoding import write_video
small = np.random.default_rng(0).integers(0, 256, (12, 49, 60, 3), np.uint8)
write_video(Path(sys.argv[1]), [cv2.resize(image, (960, 784)) for image in small], 10.0)
"""


def ramp(n: int, height: int = 32, width: int = 48) -> np.ndarray:
    """Frames whose grey value tells their number."""
    grey = np.arange(n, dtype=np.uint8)[:, None, None, None] * (240 // max(n, 1))
    return np.broadcast_to(grey, (n, height, width, 3)).copy()


def numbers(frames: Iterator[np.ndarray], step: int) -> list[int]:
    return [round(float(frame.mean()) / step) for frame in frames]


@pytest.mark.parametrize("size", [(32, 48), (31, 47), (1, 1)])
def test_h264_comes_back_close_at_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    frames = ramp(6, *size)
    assert write_video(tmp_path / "a.mp4", frames, 10.0) == 6
    np.testing.assert_allclose(read_frames(tmp_path / "a.mp4").astype(int), frames.astype(int), atol=4)


def test_lossless_video_and_depth_come_back_equal(tmp_path: Path) -> None:
    frames = RNG.integers(0, 256, (4, 31, 47, 3), np.uint8)
    write_lossless_video(tmp_path / "a.mkv", frames, 10.0)
    np.testing.assert_array_equal(read_frames(tmp_path / "a.mkv"), frames)
    depth_mm = RNG.integers(0, 65536, (4, 31, 47)).astype(np.uint16)
    write_depth_video(tmp_path / "d.mkv", depth_mm, 10.0)
    np.testing.assert_array_equal(np.stack(list(iter_depth_mm(tmp_path / "d.mkv"))), depth_mm)


def test_equal_frames_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_video(tmp_path / f"{name}.mp4", ramp(9), 29.97)
        write_lossless_video(tmp_path / f"{name}.mkv", ramp(9), 29.97)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


@pytest.mark.slow
def test_bytes_do_not_depend_on_what_memory_held_before(tmp_path: Path) -> None:
    for dirt in ("0", "1"):
        subprocess.run(
            [sys.executable, "-c", ENCODE_NOISE, str(tmp_path / f"{dirt}.mp4")],
            env={**os.environ, "MALLOC_PERTURB_": dirt},
            check=True,
        )
    assert (tmp_path / "0.mp4").read_bytes() == (tmp_path / "1.mp4").read_bytes()


@pytest.mark.parametrize("rate_hz", [10.0, 23.976, 29.97, 60.0])
def test_an_even_file_is_left_as_it_is(tmp_path: Path, rate_hz: float) -> None:
    write_video(tmp_path / "a.mp4", ramp(40), rate_hz)
    assert numbers(iter_frames(tmp_path / "a.mp4"), 6) == list(range(40))


def test_resampling_takes_the_nearest_frame(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", ramp(30), 30.0)
    assert numbers(iter_frames(tmp_path / "a.mp4", 10.0), 8) == list(range(0, 30, 3))
    doubled = np.asarray(numbers(iter_frames(tmp_path / "a.mp4", 60.0), 8))
    assert len(doubled) == 60
    assert np.abs(doubled - np.arange(60) / 2).max() <= 0.5


def test_a_variable_frame_rate_is_put_on_the_grid(tmp_path: Path) -> None:
    times = [0, 1, 2, 6, 7]  # tenths of a second: nothing was recorded for 0.4 s
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "bgr0"
        for frame, tenth in zip(ramp(5), times, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = tenth, Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert numbers(iter_frames(tmp_path / "a.mkv", 10.0), 48) == [0, 1, 2, 2, 3, 3, 3, 4]


def test_the_rotation_of_a_phone_is_applied(tmp_path: Path) -> None:
    frames = ramp(3)
    frames[:, :8] = 255  # a bright band on top
    write_video(tmp_path / "a.mp4", frames, 10.0)
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40  # after version, times, ids, duration, layer and volume
    values = (0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)  # a quarter turn clockwise
    content[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    (tmp_path / "b.mp4").write_bytes(content)
    turned = read_frames(tmp_path / "b.mp4")
    assert turned.shape == (3, 48, 32, 3)
    np.testing.assert_array_equal(turned, np.rot90(read_frames(tmp_path / "a.mp4"), -1, axes=(1, 2)))
    assert (probe_video(tmp_path / "b.mp4").width_px, probe_video(tmp_path / "b.mp4").height_px) == (32, 48)


def test_frames_from_the_middle(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", ramp(40), 10.0, gop=2)
    assert numbers(iter(read_range(tmp_path / "a.mp4", 1.7, 5)), 6) == [17, 18, 19, 20, 21]
    with pytest.raises(SourceError, match=r"found 0 of 5 frames from 1\.7500 s"):
        read_range(tmp_path / "a.mp4", 1.75, 5)
    with pytest.raises(SourceError, match=r"found 3 of 5 frames"):
        read_range(tmp_path / "a.mp4", 3.7, 5)


def index_first(path: Path, frames: np.ndarray) -> bytes:
    """The bytes of an mp4 whose index lies before the frames."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=10, options={"bf": "0", "crf": "1"})
        stream.height, stream.width = frames.shape[1:3]
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path.read_bytes()


def test_a_cut_off_mp4_tells_how_many_frames_are_left(tmp_path: Path) -> None:
    content = index_first(tmp_path / "a.mp4", RNG.integers(0, 256, (20, 64, 64, 3), np.uint8))
    (tmp_path / "a.mp4").write_bytes(content[: len(content) * 6 // 10])
    with pytest.raises(SourceError, match=r"a\.mp4 is cut off: found 1\d of 20 frames[\s\S]*again"):
        read_frames(tmp_path / "a.mp4")


def test_an_mp4_without_index_is_told_from_other_files(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", RNG.integers(0, 256, (9, 64, 64, 3), np.uint8), 10.0)
    content = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(content[: len(content) // 2])
    with pytest.raises(SourceError, match=r"starts like an mp4 but has no readable index \(moov\)"):
        read_frames(tmp_path / "a.mp4")


def test_a_cut_off_matroska_file_is_noticed(tmp_path: Path) -> None:
    write_lossless_video(tmp_path / "a.mkv", RNG.integers(0, 256, (20, 64, 64, 3), np.uint8), 10.0)
    content = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "a.mkv").write_bytes(content[: len(content) // 2])
    with pytest.raises(SourceError, match=r"found \d+ of 20 frames|cannot be decoded"):
        read_frames(tmp_path / "a.mkv")


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "is missing"), (b"", r"is empty \(0 bytes\)"), (b"just some text" * 99, "is not a video")],
)
def test_what_is_no_video_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(SourceError, match=rf"a\.mp4 {words}"):
        probe_video(tmp_path / "a.mp4")


def test_no_frames_to_write_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no frames to write into a\.mp4 \(found 0\)"):
        write_video(tmp_path / "a.mp4", [], 10.0)


def test_frames_of_two_sizes_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"frame 1 has shape \(16, 16, 3\), frame 0 \(32, 48, 3\)"):
        write_video(tmp_path / "a.mp4", [ramp(1)[0], ramp(1, 16, 16)[0]], 10.0)


def test_a_colour_video_is_no_depth(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", ramp(2), 10.0)
    with pytest.raises(SourceError, match=r"holds yuv420p images[\s\S]*gray16le"):
        next(iter_depth_mm(tmp_path / "a.mp4"))


@pytest.mark.real_data
@pytest.mark.slow
def test_a_real_av1_recording_is_read() -> None:
    path = SHARED / "lerobot_v21_g1/videos/chunk-000/observation.images.cam_high/episode_000029.mp4"
    if not path.exists():
        pytest.skip("../shared/data is absent")
    assert probe_video(path).n_frames == 221
    assert sum(frame.shape == (480, 640, 3) for frame in iter_frames(path)) == 221
