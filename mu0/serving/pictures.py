"""Pictures as they travel in a request: PNG or JPEG bytes in base64."""

import base64
import binascii

import cv2
import numpy as np
from jaxtyping import UInt8

from mu0.errors import PredictionError


def decode_picture(text: str, field: str) -> UInt8[np.ndarray, "h w 3"]:
    """Base64 of a PNG or JPEG -> RGB pixels.

    Raises:
        PredictionError: The text is not base64, or its bytes are not a picture.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if pixels is None:
        raise PredictionError(
            f"The field `{field}` ({len(text)} characters) is not a picture.",
            expected="PNG or JPEG bytes in base64",
            remedy="encode the file itself, e.g. `base64 -w0 photo.jpg`.",
        )
    return np.ascontiguousarray(pixels[..., ::-1])
