"""Videos as cameras and phones write them: turned, mirrored, anamorphic, uneven, in any codec."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mu0.errors import SourceError
from mu0.sources.containers.encoding import write_video
from mu0.sources.containers.video import iter_frames, probe_video, read_frames, scan_video

HEIGHT, WIDTH, SIDE = 32, 48, 8


def place_px(number: int) -> tuple[int, int]:
    """Upper left corner (x, y) of the square in frame `number`."""
    return 4 + 6 * number, 2 + 3 * number


def moving_square(n: int = 5, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    frames = np.full((n, height, width, 3), 40, np.uint8)
    for number, frame in enumerate(frames):
        x, y = place_px(number)
        frame[y : y + SIDE, x : x + SIDE] = 230
    return frames


def centre_px(frame: np.ndarray) -> np.ndarray:
    """Centre (x, y) of the bright pixels."""
    y, x = np.nonzero(frame[..., 1] > 130)
    return np.array([x.mean(), y.mean()])


def expected_centre_px(number: int) -> np.ndarray:
    return np.array(place_px(number)) + (SIDE - 1) / 2


def with_display_matrix(source: Path, goal: Path, matrix: tuple[int, int, int, int]) -> None:
    """Write a, b, c, d of the display matrix into an mp4's track header."""
    content = bytearray(source.read_bytes())
    begin = content.index(b"tkhd") + 4 + 40  # after version, times, ids, duration, layer and volume
    a, b, c, d = (value << 16 for value in matrix)
    values = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    content[begin : begin + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    goal.write_bytes(content)


TURNS = [(s, 0, 0, t) for s in (1, -1) for t in (1, -1)] + [(0, s, t, 0) for s in (1, -1) for t in (1, -1)]


@pytest.mark.parametrize("matrix", TURNS)
def test_every_turn_and_mirror_moves_the_square_where_the_matrix_says(
    tmp_path: Path, matrix: tuple[int, int, int, int]
) -> None:
    write_video(tmp_path / "a.mp4", moving_square(), 10.0)
    with_display_matrix(tmp_path / "a.mp4", tmp_path / "b.mp4", matrix)
    a, b, c, d = matrix
    linear = np.array([[a, c], [b, d]])
    corners = linear @ np.array([[0, WIDTH - 1], [0, HEIGHT - 1]])
    shown = read_frames(tmp_path / "b.mp4")
    assert shown.shape[1:3] == ((WIDTH, HEIGHT) if b else (HEIGHT, WIDTH))
    for number, frame in enumerate(shown):
        expected = linear @ expected_centre_px(number) - corners.min(1)
        np.testing.assert_allclose(centre_px(frame), expected, atol=0.3)
    header = probe_video(tmp_path / "b.mp4")
    assert (header.height_px, header.width_px) == shown.shape[1:3]


def encode(
    path: Path, frames: np.ndarray, codec: str, pixels: str, times: list[int] | None = None, **more: object
) -> None:
    """Encode with PyAV alone; `times` are tenths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        for name, value in more.items():
            setattr(stream.codec_context, name, value)
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = (times or range(len(frames)))[number], Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("codec", "pixels", "suffix"),
    [
        ("libsvtav1", "yuv420p", "mp4"), ("libsvtav1", "yuv420p10le", "mp4"), ("hevc", "yuv420p", "mp4"),
        ("hevc", "yuv420p10le", "mov"), ("libvpx-vp9", "yuv420p", "webm"), ("libvpx", "yuv420p", "webm"),
        ("mpeg4", "yuv420p", "avi"), ("mjpeg", "yuvj420p", "avi"), ("prores", "yuv422p10le", "mov"),
        ("mpeg2video", "yuv420p", "mpg"), ("ffv1", "bgr0", "mkv"), ("huffyuv", "yuv422p", "avi"),
        ("libx264", "gray", "mp4"),
    ],
)  # fmt: skip
def test_any_codec_gives_the_same_square(tmp_path: Path, codec: str, pixels: str, suffix: str) -> None:
    frames = moving_square(6, 64, 96)
    encode(tmp_path / f"a.{suffix}", frames, codec, pixels, bit_rate=4_000_000)
    shown = read_frames(tmp_path / f"a.{suffix}", 10.0)
    assert shown.shape == frames.shape
    for number, frame in enumerate(shown):
        np.testing.assert_allclose(centre_px(frame), expected_centre_px(number), atol=0.6)


@pytest.mark.parametrize("size", [(33, 47), (47, 33), (480 // 8 + 1, 15)])
def test_odd_and_portrait_sizes_are_neither_cropped_nor_stretched(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    frames = np.full((3, *size, 3), 40, np.uint8)
    frames[:, -5:, -5:] = 230  # the last corner is the first to go
    write_video(tmp_path / "a.mp4", frames, 10.0)
    shown = read_frames(tmp_path / "a.mp4")
    assert shown.shape == frames.shape
    np.testing.assert_allclose(centre_px(shown[1]), [size[1] - 3, size[0] - 3], atol=0.3)


@pytest.mark.parametrize(("aspect", "shape"), [(Fraction(2), (32, 96)), (Fraction(1, 2), (64, 48))])
def test_pixels_that_are_not_square_become_square(
    tmp_path: Path, aspect: Fraction, shape: tuple[int, int]
) -> None:
    encode(tmp_path / "a.mp4", moving_square(), "libx264", "yuv420p", sample_aspect_ratio=aspect)
    shown = read_frames(tmp_path / "a.mp4", 10.0)
    assert shown.shape[1:3] == shape
    assert (probe_video(tmp_path / "a.mp4").height_px, probe_video(tmp_path / "a.mp4").width_px) == shape
    scale = np.array([shape[1] / WIDTH, shape[0] / HEIGHT])
    expected = (expected_centre_px(2) + 0.5) * scale - 0.5
    np.testing.assert_allclose(centre_px(shown[2]), expected, atol=0.6)


def test_a_variable_rate_keeps_numbers_and_times_of_the_source(tmp_path: Path) -> None:
    encode(tmp_path / "a.mkv", moving_square(), "ffv1", "bgr0", times=[0, 1, 2, 6, 7])
    scan = scan_video(tmp_path / "a.mkv", 10.0)
    numbers, times_s = scan.source_frame, scan.time_s
    assert numbers.tolist() == [0, 1, 2, 2, 3, 3, 3, 4]
    np.testing.assert_allclose(times_s, [0, 0.1, 0.2, 0.2, 0.6, 0.6, 0.6, 0.7], atol=1e-3)
    for number, frame in zip(numbers, iter_frames(tmp_path / "a.mkv", 10.0), strict=True):
        np.testing.assert_allclose(centre_px(frame), expected_centre_px(number), atol=0.1)


@pytest.mark.parametrize(("own_hz", "n_kept"), [(25.0, 20), (15.0, 20), (30.0, 20), (59.94, 20)])
def test_two_seconds_asked_as_ten_hertz_are_twenty_frames(tmp_path: Path, own_hz: float, n_kept: int) -> None:
    frames = np.zeros((round(2 * own_hz), 16, 16, 3), np.uint8)
    write_video(tmp_path / "a.mp4", frames, own_hz)
    times_s = scan_video(tmp_path / "a.mp4", 10.0).time_s
    assert len(times_s) == n_kept
    assert np.abs(times_s - np.arange(n_kept) / 10).max() <= 0.5 / own_hz + 1e-3


def test_a_missing_rate_is_measured_from_the_time_stamps(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=1000)  # as browsers write it: a clock instead of a rate
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0"
        for number, frame in enumerate(moving_square(9, 48, 64)[:, :HEIGHT, :WIDTH]):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            picture.pts, picture.time_base = 40 * number, Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert probe_video(tmp_path / "a.mkv").fps_hz == pytest.approx(25.0)
    assert len(list(iter_frames(tmp_path / "a.mkv"))) == 9


def test_a_picture_that_changes_its_size_is_named(tmp_path: Path) -> None:
    for name, size in (("a", (32, 48)), ("b", (48, 64))):
        encode(tmp_path / f"{name}.mjpeg", moving_square(4, *size), "mjpeg", "yuvj420p")
    parts = [(tmp_path / f"{name}.mjpeg").read_bytes() for name in "ab"]
    (tmp_path / "c.mjpeg").write_bytes(b"".join(parts))
    with pytest.raises(SourceError, match=r"c\.mjpeg: the picture changes from 32 x 48 to 48 x 64 pixels"):
        list(iter_frames(tmp_path / "c.mjpeg", 10.0))


def test_damaged_frames_are_counted(tmp_path: Path) -> None:
    ramp = np.tile(2 * np.arange(128, dtype=np.uint8), (96, 1))[..., None].repeat(3, 2)
    write_video(tmp_path / "a.mp4", np.stack([np.roll(ramp, 3 * k, 1) for k in range(40)]), 10.0)
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    for place in np.linspace(content.index(b"mdat") + 200, content.index(b"moov") - 200, 5).astype(int):
        content[place : place + 4] = bytes(4)
    (tmp_path / "b.mp4").write_bytes(content)
    assert scan_video(tmp_path / "a.mp4").note() == ""
    scan = scan_video(tmp_path / "b.mp4")
    assert len(scan.time_s) == 40
    assert 1 <= scan.n_damaged <= 5
    assert scan.note() == f"{scan.n_damaged} of 40 frames are damaged; the decoder made up parts of them"


def test_a_stream_without_time_stamps_is_told(tmp_path: Path) -> None:
    encode(tmp_path / "a.h264", moving_square(6), "libx264", "yuv420p")
    scan = scan_video(tmp_path / "a.h264")
    assert len(scan.time_s) == 6
    assert scan.note() == "6 of 6 frames have no time stamp; an even rate was assumed"


def test_frames_come_one_by_one(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", np.zeros((200, 64, 64, 3), np.uint8), 10.0)
    frames = iter_frames(tmp_path / "a.mp4")
    assert next(frames).shape == (64, 64, 3)
    frames.close()  # type: ignore[attr-defined]
