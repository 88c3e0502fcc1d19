"""What a question may be: every unusable value of every field is refused by its name."""

import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from mu0.errors import PredictionError
from mu0.inference import pictures
from mu0.inference.limits import (
    MAX_KEYPOINTS,
    MAX_TEXT_CHARACTERS,
    check_coordinates,
    check_numbers,
    check_points_px,
    check_text,
    check_whole_number,
)

NAN, INF = float("nan"), float("inf")
SIZE_PX = (150, 100)


def announced_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header announces any size; its pixels are missing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))


def resized_header(jpeg: bytes, width: int, height: int) -> bytes:
    """A JPEG whose frame header (SOF0) announces another size."""
    start = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:start] + struct.pack(">HH", height, width) + jpeg[start + 4 :]


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (None, "is null or missing"),
        ("1,2", "is '1,2'"),
        (7, "is 7"),
        ([], "has 0 points"),
        (np.array(3.0), "is array(3.)"),
        ([1, 2], "has 1 as its point 0"),
        ([[1, 2, 3]], "has [1, 2, 3] as its point 0"),
        ([[1, 2], [3]], "has [3] as its point 1"),
        ([["a", "b"]], "has ['a', 'b'] as its point 0"),
        ([["1", "2"]], "has ['1', '2'] as its point 0"),
        ([[NAN, 1]], "has [nan, 1] as its point 0"),
        ([[1, INF]], "has [1, inf] as its point 0"),
        ([[True, 1]], "has [True, 1] as its point 0"),
        ([[None, 1]], "has [None, 1] as its point 0"),
        ([[10**400, 1]], "as its point 0"),
        ([[1e6, -1e6]], "has its point 0, [1000000.0, -1000000.0], outside"),
        ([[0, 0], [150.5, 3]], "has its point 1, [150.5, 3], outside"),
        ([[1, 1]] * (MAX_KEYPOINTS + 1), "has 1025 points"),
        ({"x": 1}, "is {'x': 1}"),
    ],
)
def test_keypoints_that_cannot_be_are_refused(points: object, words: str) -> None:
    with pytest.raises(PredictionError) as caught:
        check_points_px(points, "keypoints", SIZE_PX)
    assert caught.value.found.startswith("The field `keypoints` ")
    assert words in caught.value.found


@pytest.mark.parametrize(
    "points",
    [[[0, 0], [150, 100]], ((0.0, 0.0), (150.0, 100.0)), np.array([[0, 0], [150, 100]], np.float64),
     np.array([np.array([0.0, 0.0]), np.array([150.0, 100.0])], dtype=object)],
)  # fmt: skip
def test_lists_tuples_and_arrays_of_points_are_one(points: object) -> None:
    checked = check_points_px(points, "keypoints", SIZE_PX)
    np.testing.assert_array_equal(checked, np.array([[0, 0], [150, 100]], np.float32))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (None, "is null or missing"),
        ("0 0 0", "is '0 0 0'"),
        ([0.0] * 8, "has 8 values"),
        ([0.0] * 8 + [NAN], "has nan as its value 8"),
        ([None] + [0.0] * 8, "has null or missing as its value 0"),
        ([1e39] + [0.0] * 8, "has 1e+39 as its value 0"),
        ([-INF] + [0.0] * 8, "has -inf as its value 0"),
        ([[0.0] * 9], "has 1 values"),
    ],
)
def test_states_that_cannot_be_are_refused(state: object, words: str) -> None:
    with pytest.raises(PredictionError, match="The field `state`") as caught:
        check_numbers(state, "state", 9)
    assert words in caught.value.found


@pytest.mark.parametrize("value", [0, -3, 65, 500, 2.0, "3", None, True, NAN, [1], 10**400])
def test_numbers_of_samples_that_cannot_be_are_refused(value: object) -> None:
    with pytest.raises(PredictionError, match="The field `n_samples` is ") as caught:
        check_whole_number(value, "n_samples", 1, 64)
    assert caught.value.expected == "a whole number from 1 to 64"


def test_a_number_too_long_to_print_is_refused_as_well() -> None:
    with pytest.raises(PredictionError, match="is a number of very many digits"):
        check_whole_number(10**5000, "n_samples", 1, 64)


@pytest.mark.parametrize("value", [1, 64, np.int64(5), np.int32(1)])
def test_whole_numbers_of_any_kind_are_taken(value: int) -> None:
    assert check_whole_number(value, "n_samples", 1, 64) == int(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "is null or missing"), (NAN, "is nan"), (3, "is 3"), ("", "is blank"), (" \n", "is blank"),
     ("apple " * 34000, "has 204000 characters"), (b"pick", "is b'pick'")],
)  # fmt: skip
def test_texts_that_cannot_be_are_refused(text: object, words: str) -> None:
    with pytest.raises(PredictionError, match="The field `text`") as caught:
        check_text(text, "text")
    assert words in caught.value.found
    assert check_text("μ" * MAX_TEXT_CHARACTERS, "text")


def test_a_past_may_be_unknown_but_not_huge() -> None:
    check_coordinates(np.array([[[NAN, 0.5, 1.0]]]), "history_uvz")
    for value in (1e30, -1e30, INF, -INF):
        with pytest.raises(PredictionError, match="The field `history_uvz` has a number of size"):
            check_coordinates(np.array([[[NAN, value, 1.0]]]), "history_uvz")


@pytest.mark.parametrize(
    ("width", "height"),
    [(12_000, 12_000), (20_000, 20_000), (8193, 1), (1, 8193), (8192, 8192), (2**31 - 1, 9)],
)
def test_a_picture_is_refused_by_its_header_and_never_decoded(
    width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("a picture that is too large was decoded")

    monkeypatch.setattr(pictures.cv2, "imdecode", decode)
    with pytest.raises(PredictionError, match=f"is a picture of {width} x {height} px"):
        pictures.decode_picture(announced_png(width, height), "It", "shrink it.")


def test_a_jpeg_is_refused_by_its_header_too(monkeypatch: pytest.MonkeyPatch) -> None:
    jpeg = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
    monkeypatch.setattr(pictures.cv2, "imdecode", None)
    with pytest.raises(PredictionError, match="is a picture of 30000 x 9 px"):
        pictures.decode_picture(resized_header(jpeg, 30_000, 9), "It", "shrink it.")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp"])
def test_only_two_formats_travel_and_four_lie_on_disk(suffix: str) -> None:
    image = np.full((16, 24, 3), 90, np.uint8)
    data = cv2.imencode(suffix, image)[1].tobytes()
    decode: Callable[..., np.ndarray] = pictures.decode_picture
    assert decode(data, "It", "", pictures.ON_DISK).shape == (16, 24, 3)
    if suffix in {".png", ".jpg"}:
        assert decode(data, "It", "").shape == (16, 24, 3)
    else:
        with pytest.raises(PredictionError, match="It cannot be read as a picture"):
            decode(data, "It", "")


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"\x89PNG\r\n\x1a\n", announced_png(0, 5), announced_png(5, 5), b"\xff\xd8\xff",
     b"GIF89a" + b"\0" * 40, b"RIFF" + b"\0" * 40],
)  # fmt: skip
def test_what_is_no_picture_is_said_so(data: bytes) -> None:
    with pytest.raises(PredictionError, match="It cannot be read as a picture"):
        pictures.decode_picture(data, "It", "", pictures.ON_DISK)
