"""Folders with one file per frame: images/<video>_<t>.png, depth/, samples/<video>_<t>.npz.

Frame numbers are parsed from file names, as the official reader does; names inside the files
(`image_path`) are never followed. Depth comes from `<stem>_raw.npz` (metres) or else from the 16-bit PNG.

Source
    reference/traceextract.md §1.8.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from mu0.episodes.layouts.kinds import FRAME_NAME
from mu0.episodes.layouts.npz import damaged, read_arrays
from mu0.errors import EpisodeError
from mu0.files import inside

PNG_STEPS_PER_M = 10_000  # 16-bit PNG depth is in tenths of millimetres
MAX_PNG_DEPTH_M = 65535 / PNG_STEPS_PER_M


@dataclass(frozen=True)
class FrameFiles:
    """The per-frame files of one episode.

    Attributes:
        folder: Episode folder.
        stem: Frame number to file stem, ascending.
        sampled: Numbers of the frames that have a sample file.
    """

    folder: Path
    stem: dict[int, str]
    sampled: tuple[int, ...]

    def image_path(self, number: int) -> Path:
        """The PNG of a frame."""
        return inside(self.folder, f"images/{self.stem[number]}.png")

    def sample_path(self, number: int) -> Path:
        """The sample file of a frame."""
        return inside(self.folder, f"samples/{self.stem[number]}.npz")

    def depth_path(self, number: int) -> Path | None:
        """The depth of a frame: the raw file, else the PNG, else None."""
        for name in (f"depth/{self.stem[number]}_raw.npz", f"depth/{self.stem[number]}.png"):
            if (path := inside(self.folder, name)).exists():
                return path
        return None


def list_frames(folder: Path) -> FrameFiles:
    """Find the frames of an episode by their names.

    Raises:
        EpisodeError: There is no image, a name has no frame number, two files claim the same frame, or a
            sample has no image.
    """
    stem: dict[int, str] = {}
    for path in sorted((folder / "images").glob("*.png")):
        number = frame_number(path)
        if number in stem:
            raise _wrong(f"{path} and {stem[number]}.png are the same frame", "one image per frame number")
        stem[number] = path.stem
    if not stem:
        raise _wrong(f"{folder / 'images'} holds no image", "images/<video>_<t>.png")
    number_of = {name: number for number, name in stem.items()}
    sampled = []
    for path in sorted((folder / "samples").glob("*.npz")):
        if path.stem not in number_of:
            raise _wrong(f"{path} has no image", f"images/{path.stem}.png beside every sample")
        sampled.append(number_of[path.stem])
    return FrameFiles(folder, dict(sorted(stem.items())), tuple(sorted(sampled)))


def frame_number(path: Path) -> int:
    """The frame number in a file name.

    Raises:
        EpisodeError: There is none.
    """
    match = FRAME_NAME.fullmatch(path.stem)
    if match is None:
        raise _wrong(f"{path} has no frame number in its name", "<video>_<t>")
    return int(match["frame"])


def read_png(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """An RGB image.

    Raises:
        EpisodeError: The file is missing or is not an image.
    """
    return np.ascontiguousarray(cv2.cvtColor(_decoded(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))


def read_depth(path: Path) -> Float[np.ndarray, "h w"]:
    """A depth image [m], from metres in an archive or tenths of millimetres in a PNG.

    Raises:
        EpisodeError: The file is damaged or is no depth image.
    """
    if path.suffix == ".npz":
        arrays = read_arrays(path)
        depth = arrays.get("depth")
        if depth is None or depth.ndim != 2 or depth.dtype.kind != "f":
            found = "nothing" if depth is None else f"{depth.dtype} {depth.shape}"
            raise _wrong(f"{path} holds {found} as `depth`", "float metres, (height, width)")
        return depth
    image = _decoded(path, cv2.IMREAD_UNCHANGED)
    if image.dtype != np.uint16 or image.ndim != 2:
        raise _wrong(f"{path} is a {image.dtype} image of shape {image.shape}", "one 16-bit channel")
    return image.astype(np.float32) / np.float32(PNG_STEPS_PER_M)


def write_frame(
    folder: Path, stem: str, image: UInt8[np.ndarray, "h w 3"], depth_m: Float[np.ndarray, "h w"] | None
) -> None:
    """Write the PNG of a frame and, where there is depth, both of its depth files."""
    _encode(folder / "images" / f"{stem}.png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if depth_m is None:
        return
    metres: Float32[np.ndarray, "h w"] = depth_m.astype(np.float32)
    np.savez(folder / "depth" / f"{stem}_raw.npz", depth=metres)
    steps = np.rint(np.nan_to_num(metres.astype(np.float64), posinf=0, neginf=0) * PNG_STEPS_PER_M)
    _encode(folder / "depth" / f"{stem}.png", np.where(steps > 65535, 0, steps).astype(np.uint16))


def _decoded(path: Path, how: int) -> np.ndarray:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise damaged(path, error) from error
    image = cv2.imdecode(np.frombuffer(data, np.uint8), how) if data else None
    if image is None:
        raise _wrong(f"{path} is no image", "a complete PNG")
    return image


def _encode(path: Path, image: np.ndarray) -> None:
    is_written, data = cv2.imencode(".png", image)
    assert is_written
    path.write_bytes(data.tobytes())


def _wrong(found: str, expected: str) -> EpisodeError:
    return EpisodeError(
        f"{found}.", expected=expected, remedy="restore this file; `mu0 validate` lists every fault."
    )
