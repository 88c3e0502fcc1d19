"""Pictures and depth images from disk, or a message that says what is wrong with them."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from mu0.errors import PredictionError

MILLIMETRES_PER_METRE = 1000


def read_picture(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """RGB pixels.

    Raises:
        PredictionError: The file is missing or no picture.
    """
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if pixels is None:
        raise PredictionError(
            f"{path} cannot be read as a picture.",
            expected="a PNG or JPEG file",
            remedy="check the path.",
        )
    return np.ascontiguousarray(pixels[..., ::-1])


def read_depth(path: Path, shape: tuple[int, int], picture: str) -> Float32[np.ndarray, "h w"]:
    """Metres, 0 = missing, of a 16-bit PNG in millimetres.

    Args:
        path: The PNG.
        shape: Height and width of the picture that it belongs to.
        picture: Name of that picture, for the message.

    Raises:
        PredictionError: It is not such a file, or of another size.
    """
    millimetres = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if millimetres is None or millimetres.dtype != np.uint16 or millimetres.shape != shape:
        found = (
            "nothing readable" if millimetres is None else f"{millimetres.dtype} of shape {millimetres.shape}"
        )
        raise PredictionError(
            f"{path} holds {found}.",
            expected=f"a 16-bit PNG in millimetres of shape {shape}, like {picture}",
            remedy="register the depth to the picture, or leave --depth out.",
        )
    return millimetres.astype(np.float32) / MILLIMETRES_PER_METRE
