"""Pictures survive a request, and what is no picture is said."""

import base64

import cv2
import numpy as np
import pytest

from mu0.errors import PredictionError
from mu0.serving.pictures import picture_in_base64


def encode_picture(image: np.ndarray) -> str:
    """RGB pixels -> base64 of a PNG."""
    _, data = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    return base64.b64encode(data.tobytes()).decode()


def test_pictures_survive_the_request() -> None:
    image = np.random.default_rng(0).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    assert np.array_equal(picture_in_base64(encode_picture(image), "image"), image)


@pytest.mark.parametrize("text", ["", "not base64!", "aGVsbG8=", "ÄÖ"])
def test_what_is_no_picture_is_said(text: str) -> None:
    with pytest.raises(PredictionError, match=r"The field `wrist_image` .* cannot be read as a picture"):
        picture_in_base64(text, "wrist_image")


@pytest.mark.parametrize(
    ("value", "words"), [(None, "null or missing"), (123, "of type int"), (float("nan"), "of type float"),
                         (b"iVBO", "of type bytes"),
                         ("A" * 90_000_000, "has 90000000 characters, more than")],
    ids=["null", "number", "nan", "bytes", "long"],
)  # fmt: skip
def test_a_picture_that_is_no_text_is_said(value: object, words: str) -> None:
    with pytest.raises(PredictionError, match=f"The field `image` .*{words}"):
        picture_in_base64(value, "image")
