"""Pictures survive a request, and what is no picture is said."""

import base64

import cv2
import numpy as np
import pytest

from mu0.errors import PredictionError
from mu0.serving.pictures import decode_picture


def encode_picture(image: np.ndarray) -> str:
    """RGB pixels -> base64 of a PNG."""
    _, data = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    return base64.b64encode(data.tobytes()).decode()


def test_pictures_survive_the_request() -> None:
    image = np.random.default_rng(0).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    assert np.array_equal(decode_picture(encode_picture(image), "image"), image)


@pytest.mark.parametrize("text", ["", "not base64!", "aGVsbG8="])
def test_what_is_no_picture_is_said(text: str) -> None:
    with pytest.raises(PredictionError, match=r"The field `wrist_image` .* is not a picture"):
        decode_picture(text, "wrist_image")
