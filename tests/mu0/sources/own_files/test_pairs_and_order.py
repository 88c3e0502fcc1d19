"""Frames and depth belong together by number or time, and are in order of time, wherever names come from."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mu0.errors import SourceError
from mu0.sources.own_files.time_lists import time_unit
from tests.mu0.sources.own_files import sliding_square as scene

ALL = list(range(8))


def test_a_frame_lost_in_each_stream_leaves_pairs_of_one_moment(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/scene", [0, 1, 2, 4, 5, 6, 7], [0, 1, 2, 3, 4, 5, 7])
    clip = scene.collected(tmp_path / "in")
    assert scene.numbers_shown(clip) == scene.numbers_in_depth(clip) == [0, 1, 2, 4, 5, 7]
    assert "1 colour and 1 depth images without a partner were left out" in clip.info.note


@pytest.mark.parametrize(
    ("colour", "depth"),
    [
        ("rgb_{}", "depth_{}"),
        ("frame{:04d}", "{}"),
        ("{}.color", "{}.depth"),
        ("v2_{:03d}_left", "v2_{:03d}_z"),
    ],
)
def test_names_that_differ_are_paired_by_their_numbers(colour: str, depth: str, tmp_path: Path) -> None:
    for number in range(12):
        if number != 10:
            scene.save(tmp_path / f"in/a/color/{colour.format(number)}.png", scene.picture(number))
        scene.save(tmp_path / f"in/a/depth/{depth.format(number)}.png", scene.units(number))
    clip = scene.collected(tmp_path / "in")
    assert scene.numbers_shown(clip) == scene.numbers_in_depth(clip) == [*range(10), 11]


def test_names_that_are_times_are_paired_by_the_nearest(tmp_path: Path) -> None:
    for number in ALL:
        at_s = 1311868164.25 + number / 10
        if number != 3:
            scene.save(tmp_path / f"in/a/rgb/{at_s}.png", scene.picture(number))
        scene.save(tmp_path / f"in/a/depth/{at_s + 0.004:.6f}.png", scene.units(number))
    clip = scene.collected(tmp_path / "in")
    assert scene.numbers_shown(clip) == scene.numbers_in_depth(clip) == [0, 1, 2, 4, 5, 6, 7]
    assert clip.info.fps_hz == 10.0
    times = clip.times()
    assert times is not None
    np.testing.assert_allclose(times.time_s, [0, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7], atol=1e-5)


def test_names_without_common_numbers_are_refused(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", ALL, [])
    for number in ALL:
        scene.save(tmp_path / f"in/a/depth/{100 + number}.png", scene.units(number))
    with pytest.raises(
        SourceError, match=r"8 frames such as 000000\.png and 8 depth images such as 100\.png"
    ):
        scene.collected(tmp_path / "in")


@pytest.mark.parametrize(
    ("colour", "depth"),
    [
        ("frame{:06d}.jpg", "depth{:06d}.png"),
        ("f-{}.color.png", "f-{}.depth.png"),
        ("{}.png", "{}_depth.npy"),
    ],
)
def test_depth_between_the_frames_is_depth(colour: str, depth: str, tmp_path: Path) -> None:
    for number in range(11):
        scene.save(tmp_path / "in/a" / colour.format(number), scene.picture(number))
        stored = scene.depth_m(number) if depth.endswith("npy") else scene.units(number)
        scene.save(tmp_path / "in/a" / depth.format(number), stored)
    clip = scene.collected(tmp_path / "in")
    assert scene.numbers_shown(clip) == scene.numbers_in_depth(clip) == list(range(11))
    assert scene.depths_m(clip) == (1.0, 1.5)


@pytest.mark.parametrize("name", ["{:04d}_mask.png", "mask_{}.png", "{:04d}_depth_vis.png"])
def test_masks_between_the_frames_are_no_frames_and_told(name: str, tmp_path: Path) -> None:
    for number in ALL:
        scene.save(tmp_path / f"in/a/{number:04d}.jpg", scene.picture(number))
        mask = (
            scene.picture(number) if "vis" in name else 200 * (scene.depth_m(number) < 1.2).astype(np.uint8)
        )
        scene.save(tmp_path / "in/a" / name.format(number), mask)
    clip = scene.collected(tmp_path / "in")
    assert scene.numbers_shown(clip) == ALL
    assert "(8 files)" in clip.info.note


@pytest.mark.parametrize("names", [("left_{}", "right_{}"), ("cam0_{:03d}", "cam1_{:03d}"), ("{}_a", "{}_b")])
def test_two_cameras_in_one_folder_are_refused(names: tuple[str, str], tmp_path: Path) -> None:
    for number in ALL:
        for name in names:
            scene.save(tmp_path / "in/a" / f"{name.format(number)}.png", scene.picture(number))
    with pytest.raises(SourceError, match="more than one row of pictures"):
        scene.collected(tmp_path / "in")


@pytest.mark.parametrize("odd", [scene.units(3), scene.picture(3)[..., 0]])
def test_a_picture_of_another_kind_in_the_row_is_refused(odd: np.ndarray, tmp_path: Path) -> None:
    for number in ALL:
        scene.save(tmp_path / f"in/a/{number}.png", odd if number == 3 else scene.picture(number))
    with pytest.raises(SourceError, match=r"3\.png is a picture of one channel.*0\.png is a colour picture"):
        scene.collected(tmp_path / "in")


def test_depth_without_frames_is_no_film(tmp_path: Path) -> None:
    for number in ALL:
        scene.save(tmp_path / f"in/a/{number}.png", scene.units(number))
    with pytest.raises(SourceError, match=r"8 images of one channel of 16 bits or more, and no frames"):
        scene.collected(tmp_path / "in")


def lists(
    folder: Path, times: list[str], order: list[int] | None = None, head: str = "", end: str = "\n"
) -> None:
    """rgb.txt and depth.txt; 5000 units per metre."""
    for number in range(len(times)):
        scene.save(folder / f"rgb/{number}.png", scene.picture(number))
        scene.save(folder / f"depth/{number}.png", scene.units(number, 5000))
    for name in ("rgb", "depth"):
        lines = [f"{times[number]} {name}/{number}.png" for number in order or range(len(times))]
        (folder / f"{name}.txt").write_bytes((head + end.join(lines) + end).encode())


@pytest.mark.parametrize("order", [[3, 0, 7, 1, 6, 2, 5, 4], ALL[::-1]])
def test_lists_are_put_in_order_of_time(order: list[int], tmp_path: Path) -> None:
    lists(tmp_path / "in/a", [f"{1311868164.3 + number / 10:.6f}" for number in ALL], order)
    clip = scene.collected(tmp_path / "in")
    assert scene.numbers_shown(clip) == scene.numbers_in_depth(clip) == ALL
    assert "rgb.txt was put in order of time" in clip.info.note


@pytest.mark.parametrize(
    ("start", "step", "rate_hz"),
    [
        (1311868164363, 100, 10.0),  # an epoch in milliseconds
        (1311868164363000, 40000, 25.0),
        (1311868164363000000, 500000000, 2.0),
        (0, 33, 30.3),  # relative milliseconds
        (0, 100000, 10.0),
    ],
)
def test_times_in_other_units_are_seconds_and_told(
    start: int, step: int, rate_hz: float, tmp_path: Path
) -> None:
    lists(tmp_path / "in/a", [str(start + step * number) for number in ALL])
    clip = scene.collected(tmp_path / "in")
    assert clip.info.fps_hz == rate_hz
    assert "times were read as" in clip.info.note


def test_times_that_count_frames_are_doubted() -> None:
    per_s, note = time_unit(np.arange(8.0))
    assert per_s == 1
    assert "not frame numbers" in note


@pytest.mark.parametrize(("step", "rate_hz"), [(0.1, 10.0), (1 / 30, 30.0), (0.9, 1.11)])
def test_seconds_stay_seconds(step: float, rate_hz: float) -> None:
    assert time_unit(np.arange(8) * step) == (1.0, "")
    assert time_unit(1311868164.3 + np.arange(8) * step) == (1.0, "")
    assert round(1 / step, 2) == rate_hz


@pytest.mark.parametrize("step", [3.0, 5e-4])
def test_times_of_no_camera_are_refused(step: float, tmp_path: Path) -> None:
    lists(tmp_path / "in/a", [f"{1311868164 + number * step:.7f}" for number in ALL])
    with pytest.raises(SourceError, match=r"lies between two times, which is [\d.]+ Hz"):
        scene.collected(tmp_path / "in")


def test_a_byte_order_mark_a_heading_and_commas_are_read(tmp_path: Path) -> None:
    lists(tmp_path / "in/a", [str(number / 10) for number in ALL], head="\ufeff", end="\r\n")
    assert scene.numbers_shown(scene.collected(tmp_path / "in")) == ALL
    shutil.rmtree(tmp_path / "in")
    lists(tmp_path / "in/a", [f"{number / 10}," for number in ALL], head="timestamp,filename\n")
    assert scene.numbers_shown(scene.collected(tmp_path / "in")) == ALL


def test_a_list_without_depth_tells_the_rate(tmp_path: Path) -> None:
    lists(tmp_path / "in/a", [f"{number / 30:.6f}" for number in ALL])
    (tmp_path / "in/a/depth.txt").unlink()
    shutil.rmtree(tmp_path / "in/a/depth")
    clip = scene.collected(tmp_path / "in")
    assert (clip.info.fps_hz, clip.info.has_depth) == (30.0, False)
    assert scene.numbers_shown(clip) == ALL


def test_images_that_a_list_leaves_out_are_counted(tmp_path: Path) -> None:
    lists(tmp_path / "in/a", [str(number / 10) for number in ALL], order=[0, 1, 2, 3, 4, 5])
    clip = scene.collected(tmp_path / "in")
    assert scene.numbers_shown(clip) == [0, 1, 2, 3, 4, 5]
    assert "2 images in rgb/ are not in rgb.txt" in clip.info.note


def test_a_list_that_mixes_kinds_is_refused(tmp_path: Path) -> None:
    lists(tmp_path / "in/a", [str(number / 10) for number in ALL])
    (tmp_path / "in/a/rgb.txt").write_text("0.0 rgb/0.png\n0.1 depth/1.png\n0.2 rgb/2.png\n")
    with pytest.raises(SourceError, match=r"1\.png is a picture of one channel of 16 bits or more"):
        scene.collected(tmp_path / "in")


@pytest.mark.parametrize("order", ["{t} rgb/{n}.png {t} depth/{n}.png", "{t} depth/{n}.png {t} rgb/{n}.png"])
def test_associations_are_lists_of_both(order: str, tmp_path: Path) -> None:
    lists(tmp_path / "in/a", [str(number / 10) for number in ALL])
    (tmp_path / "in/a/rgb.txt").unlink()
    (tmp_path / "in/a/depth.txt").unlink()
    rows = [order.format(t=number / 10, n=number) for number in ALL]
    (tmp_path / "in/a/associations.txt").write_text("\n".join(rows) + "\n")
    clip = scene.collected(tmp_path / "in")
    assert scene.numbers_shown(clip) == scene.numbers_in_depth(clip) == ALL
    assert (scene.depths_m(clip), clip.info.note) == ((1.0, 1.5), "")
