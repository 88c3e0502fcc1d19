"""EgoDex: egocentric videos of hands, each with an hdf5 file of exact camera poses.

    <folder>/[<part>/]<task>/<id>.mp4     1920 x 1080, 30 Hz
    <folder>/[<part>/]<task>/<id>.hdf5    camera/intrinsic  (3, 3) [px]
                                          transforms/camera (T, 4, 4): world_from_camera [m], one per frame
                                          transforms/<joint>, confidences/<joint>: hands and body, not read
                                          attributes: llm_description{,2}, which_llm_description, session_name

The camera's axes are OpenCV's (x right, y down, z forward): Apple's own script projects joints with the
intrinsics right after the inverse of transforms/camera. The world is ARKit's, at rest in the room. In a task
that can be done both ways, `which_llm_description` tells which of the two sentences is meant.

A video without its hdf5 file, and the reverse, is a row of the index with its reason.

Source: github.com/apple/ml-egodex (README, utils/data_utils.py, visualize_2d.py).
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float

from mu0.errors import SourceError
from mu0.files import inside
from mu0.geometry.rigid import invert
from mu0.params.raw_videos import EgoDexSource
from mu0.sources.clip.on_disk import Clip, ClipInfo
from mu0.sources.dataset_clip import RecordedCamera, count_frames, write_video_clip
from mu0.sources.faults import unreadable_file
from mu0.sources.item import (
    AbstractSource,
    SourceItem,
    broken_item,
    content_fingerprint,
    require_folder,
    safe_name,
)
from mu0.text_files import decode_text

LICENCE = "CC BY-NC-ND 4.0"
PATTERNS = ("*/*", "*/*/*")  # <task>/<id>, <part>/<task>/<id>
LEFT_OUT = "poses of hands and body were left out"
COPY_AGAIN = "download this file again."


@final
class EgoDexReader(AbstractSource):
    """The source of kind `egodex`."""

    def __init__(self, name: str, params: EgoDexSource) -> None:
        self._name = name
        self._params = params
        require_h5py()

    def items(self) -> Iterator[SourceItem]:
        """One item per video or hdf5 file.

        Raises:
            SourceError: The folder is missing, or no episode lies in it.
        """
        folder = require_folder(Path(self._params.folder), "EgoDex: <part>/<task>/<id>.mp4 and .hdf5")
        stems = {
            path.with_suffix("")
            for pattern in PATTERNS
            for ending in (".mp4", ".hdf5")
            for path in folder.glob(pattern + ending)
        }
        if not stems:
            raise SourceError(
                f"{folder} holds no EgoDex episodes (found 0).",
                expected="<part>/<task>/<id>.mp4 and .hdf5",
                remedy="unpack the dataset's zip files here, or correct `folder` in params.yaml.",
            )
        for stem in sorted(stems, key=_natural):
            yield self._item(folder, stem)

    def _item(self, folder: Path, stem: Path) -> SourceItem:
        parts = stem.relative_to(folder).parts
        clip_id = safe_name(*parts)
        try:
            video, hdf5 = (_existing(folder, stem, ending) for ending in (".mp4", ".hdf5"))
        except SourceError as error:
            return broken_item(clip_id, error)
        return SourceItem(
            clip_id,
            fingerprint=partial(content_fingerprint, video, hdf5, task=parts[-2]),
            write=partial(self._write, video, hdf5, clip_id),
        )

    def _write(self, video: Path, hdf5: Path, clip_id: str, folder: Path) -> Clip:
        n_frames = count_frames(video)
        intrinsics, camera_from_world, attributes = read_annotation(hdf5)
        if len(camera_from_world) != n_frames:
            raise SourceError(
                f"{hdf5} holds {len(camera_from_world)} camera poses for {n_frames} frames of {video.name}.",
                expected="one pose per frame",
                remedy="download both files again.",
            )
        info = ClipInfo(
            clip_id=clip_id,
            source=self._name,
            fps_hz=0.0,
            n_frames=0,
            width_px=0,
            height_px=0,
            instruction=instruction(attributes) or video.parent.name.replace("_", " "),
            embodiment="human_hand",
            scene_id=f"{self._name}/{attributes.get('session_name') or clip_id}",
            licence=self._params.licence or LICENCE,
            note=LEFT_OUT if instruction(attributes) else f"{LEFT_OUT}; the instruction is the task's name",
        )
        recorded = RecordedCamera(intrinsics, camera_from_world)
        return write_video_clip(folder, info, video, n_frames, self._params, recorded)


def read_annotation(
    path: Path,
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "t 4 4"], dict[str, str]]:
    """Intrinsics [px], `camera_from_world`, and the attributes as texts.

    Raises:
        SourceError: The file is damaged, lacks an array, or one has another shape.
    """
    h5py = require_h5py()
    try:
        with h5py.File(path, "r") as file:
            intrinsics = _array(path, file, "camera/intrinsic", (3, 3))
            world_from_camera = _array(path, file, "transforms/camera", (None, 4, 4))
            attributes = {str(key): _text(value) for key, value in file.attrs.items()}
    except OSError as error:
        raise unreadable_file(path, error, "a complete hdf5 file", COPY_AGAIN) from error
    return intrinsics, invert(world_from_camera), attributes


def instruction(attributes: dict[str, str]) -> str:
    """The sentence that describes the episode; empty where there is none."""
    second = attributes.get("which_llm_description") == "2" and attributes.get("llm_description2")
    return (second or attributes.get("llm_description", "")).strip()


def require_h5py() -> Any:
    """The package h5py.

    Raises:
        SourceError: It is not installed; the message names the extra that brings it.
    """
    try:
        import h5py  # type: ignore[import-untyped]
    except ImportError as error:
        raise SourceError(
            "The package h5py is not installed.",
            expected="h5py, which reads hdf5 files",
            remedy="run `make install` in the project, or pip install h5py.",
        ) from error
    return h5py


def _array(path: Path, file: Any, name: str, shape: tuple[int | None, ...]) -> Float[np.ndarray, "..."]:
    if name not in file:
        raise SourceError(
            f"{path} has no array {name}.", expected="an EgoDex annotation file", remedy=COPY_AGAIN
        )
    if not _is_own(file, name):
        raise SourceError(
            f"{path}: {name} is a link, or its numbers lie in another file.",
            expected="an array in this file",
            remedy="download the original file; only a changed one looks like this.",
        )
    array = np.asarray(file[name], np.float64)
    fits = array.ndim == len(shape) and all(
        want in {None, found} for want, found in zip(shape, array.shape, strict=True)
    )
    if not fits or not np.isfinite(array).all():
        raise SourceError(
            f"{path}: {name} has shape {array.shape}" + ("." if not fits else " and holds NaN or infinity."),
            expected=f"finite numbers of shape {tuple('frames' if n is None else n for n in shape)}",
            remedy=COPY_AGAIN,
        )
    return array


def _is_own(file: Any, name: str) -> bool:
    """Whether an array truly lies in this file: hdf5 can name any other file, even one that is no hdf5."""
    h5py = require_h5py()
    places = [name.rsplit("/", depth)[0] for depth in range(name.count("/") + 1)]
    if not all(isinstance(file.get(place, getlink=True), h5py.HardLink) for place in places):
        return False
    return not file[name].is_virtual and file[name].external is None


def _text(value: Any) -> str:
    """An attribute as text; empty where its bytes are in no encoding that can be told."""
    return decode_text(value).text if isinstance(value, bytes) else str(value)


def _existing(folder: Path, stem: Path, ending: str) -> Path:
    path = inside(folder, stem.relative_to(folder).as_posix() + ending)
    if not path.is_file():
        other = ".mp4" if ending == ".hdf5" else ".hdf5"
        raise SourceError(
            f"{path} is missing beside {stem.name}{other}.",
            expected="pairs of an .mp4 and an .hdf5 file of the same name",
            remedy="download the missing file"
            + (
                "; to use the video alone, name its folder as a source of kind `files`."
                if other == ".mp4"
                else "."
            ),
        )
    return path


def _natural(stem: Path) -> tuple[str, int, str]:
    """Episodes are numbered: 2 comes before 10."""
    number = int(stem.name) if stem.name.isdecimal() else -1
    return stem.parent.as_posix(), number, stem.name
