"""Pictures and depth images from disk or from a request, or a message that says what is wrong with them.

A few hundred kilobytes can unpack to gigabytes. So the size is read from the header first, and what is larger
than any camera's picture is refused before a pixel is decoded.
"""

import io
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from PIL import BmpImagePlugin, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from mu0.errors import PredictionError
from mu0.sources.clip.plausible import FARTHEST_MEDIAN_M, NEAREST_MEDIAN_M

MILLIMETRES_PER_METRE = 1000
MAX_SIDE_PX = 8192
MAX_PIXELS = 8192 * 6144  # 50 megapixels: 150 MB once decoded
MAX_FILE_BYTES = 64 * 2**20
ON_DISK = ("PNG", "JPEG", "BMP", "WebP")
IN_REQUESTS = ("PNG", "JPEG")
# by the first bytes; the classes read the header only, where PIL.Image.open would also warn about sizes
READERS: dict[str, tuple[bytes, type[ImageFile.ImageFile]]] = {
    "PNG": (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    "JPEG": (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    "BMP": (b"BM", BmpImagePlugin.BmpImageFile),
    "WebP": (b"RIFF", WebPImagePlugin.WebPImageFile),
}


def read_picture(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """RGB pixels.

    Raises:
        PredictionError: The file is missing, no picture, or larger than any camera's.
    """
    return decode_picture(_bytes_of(path), str(path), "check the path.", ON_DISK)


def decode_picture(
    data: bytes, name: str, remedy: str, formats: tuple[str, ...] = IN_REQUESTS
) -> UInt8[np.ndarray, "h w 3"]:
    """RGB pixels of an encoded picture.

    Args:
        data: The bytes of a file.
        name: What the message calls it.
        remedy: What its sender can do if it is no picture.
        formats: Those that are accepted.

    Raises:
        PredictionError: It is no such picture, or larger than any camera's.
    """
    require_sensible_size(data, name, remedy, formats)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise _no_picture(name, remedy, formats)
    return np.ascontiguousarray(pixels[..., ::-1])


def require_sensible_size(data: bytes, name: str, remedy: str, formats: tuple[str, ...]) -> None:
    """Read the header alone.

    Raises:
        PredictionError: It is of none of the formats, damaged, or announces more pixels than are allowed.
    """
    width, height = _size_in_header(data, formats) or (0, 0)
    if not (width and height):
        raise _no_picture(name, remedy, formats)
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS or len(data) > MAX_FILE_BYTES:
        raise PredictionError(
            f"{name} is a picture of {width} x {height} px in {len(data) / 2**20:.1f} MiB.",
            expected=f"at most {MAX_SIDE_PX} px on a side, {MAX_PIXELS // 10**6} megapixels "
            f"and {MAX_FILE_BYTES // 2**20} MiB",
            remedy="make it smaller; the model looks at a few hundred pixels.",
        )


def _size_in_header(data: bytes, formats: tuple[str, ...]) -> tuple[int, int] | None:
    for name in formats:
        signature, reader = READERS[name]
        if data.startswith(signature):
            try:
                with reader(io.BytesIO(data)) as header:
                    return header.size
            except (SyntaxError, OSError, ValueError):  # PIL's words for a broken header
                return None
    return None


def _no_picture(name: str, remedy: str, formats: tuple[str, ...]) -> PredictionError:
    return PredictionError(
        f"{name} cannot be read as a picture.",
        expected=f"the bytes of a {' or '.join(formats)} file",
        remedy=remedy,
    )


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)
    except OSError:
        return b""


def read_depth(path: Path, shape: tuple[int, int], picture: str) -> Float32[np.ndarray, "h w"]:
    """Metres, 0 = missing, of a 16-bit PNG in millimetres.

    Args:
        path: The PNG.
        shape: Height and width of the picture that it belongs to.
        picture: Name of that picture, for the message.

    Raises:
        PredictionError: It is not such a file, or of another size.
    """
    expected = f"a 16-bit PNG in millimetres of shape {shape}, like {picture}"
    remedy = "register the depth to the picture, or leave --depth out."
    data = _bytes_of(path)
    if not data:
        raise PredictionError(f"{path} holds nothing readable.", expected=expected, remedy=remedy)
    require_sensible_size(data, str(path), remedy, ("PNG",))
    millimetres = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if millimetres is None or millimetres.dtype != np.uint16 or millimetres.shape != shape:
        found = (
            "nothing readable" if millimetres is None else f"{millimetres.dtype} of shape {millimetres.shape}"
        )
        raise PredictionError(f"{path} holds {found}.", expected=expected, remedy=remedy)
    depth_m = millimetres.astype(np.float32) / MILLIMETRES_PER_METRE
    measured = depth_m[depth_m > 0]
    if measured.size and not NEAREST_MEDIAN_M <= (found_m := float(np.median(measured))) <= FARTHEST_MEDIAN_M:
        raise PredictionError(
            f"The median depth of {path} is {found_m:g} m if it is in millimetres.",
            expected=f"a median of {NEAREST_MEDIAN_M:g} to {FARTHEST_MEDIAN_M:g} m",
            remedy="convert the depth to whole millimetres.",
        )
    return depth_m
