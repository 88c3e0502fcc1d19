"""Pictures of a folder are asked about as a person counts them, as extraction takes them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mu0.errors import PredictionError, SourceError
from mu0.files import in_natural_order
from mu0.inference.pictures import read_depth
from mu0.inference.questions import film_in, questions_in
from mu0.sources.own_files.frame_folders import read_frame_folder


def test_prediction_and_extraction_order_a_folder_alike(tmp_path: Path) -> None:
    for number in range(1, 13):
        cv2.imwrite(str(tmp_path / f"{number}.jpg"), np.full((8, 8, 3), number, np.uint8))
    expected = [f"{number}.jpg" for number in range(1, 13)]
    assert [question.image.name for question in questions_in(tmp_path, "slide")] == expected
    frames = read_frame_folder(tmp_path)
    assert frames is not None
    assert [path.name for path in frames.colour] == expected


@pytest.mark.parametrize(
    "names",
    [
        ["im_2.png", "im_10.png", "im_100.png"],
        ["0.05.png", "0.1.png", "0.15.png", "0.2.png"],  # times in seconds
        ["1311868164.363181.png", "1311868164.4.png", "1311868165.05.png"],
        [f"take1.{number}.png" for number in range(8, 13)],  # two counters, not decimals
        ["frame.0009.png", "frame.0010.png"],
        ["IMG_1.JPG", "img_2.jpg", "IMG_3.JPG"],
    ],
)
def test_numbers_count_and_points_are_decimals(names: list[str]) -> None:
    for order in (sorted(names), names[::-1]):
        assert [path.name for path in in_natural_order(map(Path, order))] == names


def test_a_film_is_of_one_kind_of_pictures(tmp_path: Path) -> None:
    for number in range(11):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((8, 8, 3), number, np.uint8))
        cv2.imwrite(str(tmp_path / f"{number}_depth.png"), np.full((8, 8), 1000, np.uint16))
    assert [path.name for path in film_in(tmp_path).frames] == [f"{number}.png" for number in range(11)]
    with pytest.raises(PredictionError, match=r"0_depth\.png is a picture of one channel of 16 bits"):
        questions_in(tmp_path, "slide")
    for number in range(11):
        cv2.imwrite(str(tmp_path / f"{number}_right.png"), np.full((8, 8, 3), number, np.uint8))
    with pytest.raises(SourceError, match="more than one row of pictures"):
        film_in(tmp_path)


@pytest.mark.parametrize("units_per_m", [50_000, 20])
def test_depth_in_another_unit_is_refused(units_per_m: int, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "depth.png"), np.full((8, 8), units_per_m, np.uint16))
    with pytest.raises(PredictionError, match="median depth"):
        read_depth(tmp_path / "depth.png", (8, 8), "a.png")
