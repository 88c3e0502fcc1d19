"""One image file of a folder: a picture or its depth."""

from pathlib import Path

import cv2
import numpy as np

from mu0.errors import SourceError
from mu0.file_content import stand_in, why_no_file


def read_image(path: Path, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """The image as OpenCV's `flags` say.

    Raises:
        SourceError: The file is missing or no complete image; the message says what it is instead.
    """
    content = np.frombuffer(path.read_bytes(), np.uint8) if path.is_file() else None
    image = None if content is None or content.size == 0 else cv2.imdecode(content, flags)
    if image is None:
        what = why_no_file(path) or ((found := stand_in(path)) and found.what) or "is not a readable image"
        raise SourceError(
            f"{path} {what}.",
            expected="a complete image file",
            remedy="replace the file, or remove it together with its picture or its depth image.",
        )
    return image
