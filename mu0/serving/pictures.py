"""Pictures as they travel in a request: PNG or JPEG bytes in base64."""

import base64
import binascii

import numpy as np
from jaxtyping import UInt8

from mu0.errors import PredictionError
from mu0.inference.pictures import MAX_FILE_BYTES, decode_picture

REMEDY = "encode the file itself, e.g. `base64 -w0 photo.jpg`."


def picture_in_base64(text: object, field: str) -> UInt8[np.ndarray, "h w 3"]:
    """Base64 of a PNG or JPEG -> RGB pixels.

    Raises:
        PredictionError: The field is no text, not base64, no picture, or a picture larger than any camera's.
    """
    found = _fault(text)
    if found is not None:
        raise PredictionError(
            f"The field `{field}` {found}.", expected="PNG or JPEG bytes in base64", remedy=REMEDY
        )
    try:
        data = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    return decode_picture(data, f"The field `{field}` ({len(str(text))} characters)", REMEDY)


def _fault(text: object) -> str | None:
    if text is None:
        return "is null or missing"
    if not isinstance(text, str):
        return f"is of type {type(text).__name__}"
    longest = MAX_FILE_BYTES * 4 // 3 + 4
    return f"has {len(text)} characters, more than {longest}" if len(text) > longest else None
