"""The legacy and the TraceForge layout through the common view: one file per frame, read when asked for."""

from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float, Float32, UInt8

from mu0.episodes.layouts.frame_files import FrameFiles, list_frames, read_depth, read_png
from mu0.episodes.layouts.frame_rows import HISTORY_LEN, REQUIRED, decode_rows
from mu0.episodes.layouts.instructions import stored_instructions
from mu0.episodes.layouts.kinds import Layout
from mu0.episodes.layouts.npz import Header, npz_headers, read_arrays
from mu0.episodes.layouts.view import AbstractEpisodeView, Cameras, FrameRows
from mu0.episodes.read import read_npz
from mu0.episodes.sidecar import SIDECAR_NAME, Sidecar, read_sidecar
from mu0.errors import EpisodeError
from mu0.geometry.camera import scale_intrinsics

ASSUMED_FOCAL_SHARE = 1.0  # of the width: a 53 degree lens
ACCELERATION_NAME = "acceleration.npz"


@final
class FrameView(AbstractEpisodeView):
    """An episode with one file per frame; see `AbstractEpisodeView` for its attributes.

    The names in `absent` follow from the first sample and the folder.
    """

    def __init__(self, folder: Path, layout: Layout) -> None:
        """List the files and look into the first sample.

        Raises:
            EpisodeError: There are no frames, or the first ones are damaged.
        """
        self.folder, self.layout = folder, layout
        self._files: FrameFiles = list_frames(folder)
        self.frame_numbers = tuple(self._files.stem)
        self._index_of = {number: index for index, number in enumerate(self.frame_numbers)}
        self.anchors = tuple(self._index_of[number] for number in self._files.sampled)
        first_image = self.image(0)
        self.size_px = (first_image.shape[0], first_image.shape[1])
        self._headers = {
            number: npz_headers(self._files.sample_path(number)) for number in self._files.sampled
        }
        self._n_channels = self._headers[self._files.sampled[0]]["traj"][0][2] if self.anchors else 3
        self._stored = read_sidecar(folder, len(self.frame_numbers))
        self._has_sidecar = (folder / SIDECAR_NAME).exists()
        self.keeps_static = (self._stored.mode if self._has_sidecar else layout) == "traceforge"
        depth = [self._files.depth_path(number) for number in self.frame_numbers]
        self.has_depth = all(path is not None for path in depth)
        self.absent = tuple(self._find_absent())
        self.notes = tuple(self._find_notes(depth))

    @property
    def n_rows(self) -> int:
        """Rows over all anchors, from the headers of the sample files."""
        return sum(header["keypoints"][0][0] for header in self._headers.values())

    def image(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        """One RGB frame.

        Raises:
            EpisodeError: It is no image, or of another size than the first.
        """
        path = self._files.image_path(self.frame_numbers[index])
        image = read_png(path)
        if index and image.shape[:2] != self.size_px:
            raise _unfit(path, f"{image.shape[1]} x {image.shape[0]} pixels", self.size_px)
        return image

    def depth_m(self, index: int) -> Float[np.ndarray, "h w"]:
        """One depth image [m].

        Raises:
            EpisodeError: It is damaged or of another size than the images.
        """
        path = self._files.depth_path(self.frame_numbers[index])
        assert path is not None
        depth = read_depth(path)
        if depth.shape != self.size_px:
            raise _unfit(path, f"{depth.shape[1]} x {depth.shape[0]} pixels", self.size_px)
        return depth

    def rows(self, index: int) -> FrameRows:
        """The rows of an anchor frame.

        Raises:
            EpisodeError: The sample is damaged, lacks an array, or its arrays do not fit each other.
        """
        path = self._files.sample_path(self.frame_numbers[index])
        content = read_arrays(path)
        if faults := sample_shape_faults({key: (a.shape, a.dtype) for key, a in content.items()}):
            field, found, expected = faults[0]
            raise EpisodeError(
                f"{path} [{field}] is {found}.",
                expected=expected,
                remedy="restore this file; `mu0 validate` lists every fault.",
            )
        return decode_rows(content, self.size_px, keeps_static=self.keeps_static)

    def cameras(self) -> Cameras:
        """All cameras, from the episode's own archive; else an assumed lens and a still camera.

        Raises:
            EpisodeError: The archive is damaged or does not cover the frames.
        """
        path = self._main_archive
        height_px, width_px = self.size_px
        if path is None:
            focal_px = ASSUMED_FOCAL_SHARE * width_px
            lens = np.array(
                [[focal_px, 0, width_px / 2], [0, focal_px, height_px / 2], [0, 0, 1]], np.float32
            )
            still = np.eye(4, dtype=np.float32)
            return Cameras(np.tile(lens, (self.n_frames, 1, 1)), np.tile(still, (self.n_frames, 1, 1)))
        stored = read_npz(path, ("intrinsics", "extrinsics", "height", "width"))
        intrinsics, poses = stored["intrinsics"], stored["extrinsics"]
        if len(poses) != self.n_frames and len(poses) > self.frame_numbers[-1]:
            kept = np.array(self.frame_numbers)  # only every n-th frame has an image
            intrinsics, poses = intrinsics[kept], poses[kept]
        if poses.shape != (self.n_frames, 4, 4) or intrinsics.shape != (self.n_frames, 3, 3):
            raise EpisodeError(
                f"{path} holds intrinsics {intrinsics.shape} and extrinsics {poses.shape}.",
                expected=f"one camera for each of {self.n_frames} frames",
                remedy="restore this file, or delete it to go on with an assumed camera.",
            )
        scale = width_px / int(stored["width"]), height_px / int(stored["height"])
        scaled = np.stack([scale_intrinsics(k, *scale) for k in intrinsics.astype(np.float32)])
        return Cameras(scaled.astype(np.float32), poses.astype(np.float32))

    def acceleration(self) -> Float32[np.ndarray, " t"]:
        """Mean acceleration of moving points; zeros where unknown."""
        path = self.folder / ACCELERATION_NAME
        if not path.exists():
            return np.zeros(self.n_frames, np.float32)
        return read_npz(path, ("acceleration",))["acceleration"]

    def sidecar(self) -> Sidecar:
        """mu0.json if there is one, else what can be said without.

        Raises:
            EpisodeError: It is damaged or tells of another number of frames.
        """
        found = self._stored
        values: dict[str, Any] = {name: getattr(found, name) for name in Sidecar.__dataclass_fields__}
        if not self._has_sidecar:
            values["source_frames"] = self.frame_numbers
            values["instruction"] = next(iter(self.instructions()), "")
            values["mode"] = "traceforge" if self.keeps_static else "traceextract"
            values["intrinsics_source"] = "assumed_fov" if self._main_archive is None else "data"
        elif len(found.source_frames) != self.n_frames:
            raise EpisodeError(
                f"{self.folder / SIDECAR_NAME} tells of {len(found.source_frames)} frames.",
                expected=f"{self.n_frames}, one per image",
                remedy="restore the missing images, or delete mu0.json (clock time is lost then).",
            )
        is_3d = self._n_channels == 3 and found.is_3d
        return Sidecar(**(values | {"is_3d": is_3d, "absent": self.absent}))

    def instructions(self) -> tuple[str, ...]:
        """Instructions of the episode."""
        return stored_instructions(self.folder, self._stored)

    @cached_property
    def _main_archive(self) -> Path | None:
        """`<video>.npz` with the cameras, where there is one."""
        wanted = {"intrinsics", "extrinsics", "height", "width"}
        known = {ACCELERATION_NAME, "movement_statistics.npz"}
        archives = [path for path in sorted(self.folder.glob("*.npz")) if path.name not in known]
        return next((path for path in archives if wanted <= npz_headers(path).keys()), None)

    def _find_absent(self) -> list[str]:
        keys: dict[str, Header] = self._headers[self._files.sampled[0]] if self.anchors else {}
        is_3d = self._n_channels == 3
        absent = ["depth"] if is_3d and not self.has_depth else []
        absent += ["cameras"] if self._main_archive is None else []
        absent += ["history"] if "traj_history" not in keys else []
        absent += ["raw_traj"] if not self._has_raw(is_3d=is_3d) else []
        absent += [name for name in ("visibs", "cluster_ids") if name not in keys]
        absent += ["is_moving"] if self.keeps_static and "is_moving" not in keys else []
        absent += ["acceleration"] if not (self.folder / ACCELERATION_NAME).exists() else []
        known = self._stored.absent
        return [*absent, *(name for name in known if name not in absent)]

    def _has_raw(self, *, is_3d: bool) -> bool:
        """Whether every sample holds positions at clock time up to its horizon or the last frame."""
        are_gapless = self.frame_numbers == tuple(range(self.n_frames))
        for index, number in zip(self.anchors, self._files.sampled, strict=True):
            header = self._headers[number]
            if "raw_traj" in header:
                continue
            if is_3d or "traj_2d" not in header or not are_gapless:
                return False
            if header["traj_2d"][0][1] < min(self.n_frames - index, header["traj"][0][1]):
                return False
        return True

    def _find_notes(self, depth: list[Path | None]) -> list[str]:
        notes = []
        n_found = sum(path is not None for path in depth)
        if 0 < n_found < len(depth):
            notes.append(f"depth of {n_found} of {len(depth)} frames is left out, for the others have none")
        if self.has_depth and any(path and path.suffix == ".png" for path in depth):
            notes.append("depth read from 16-bit PNG as tenths of millimetres (it wraps above 6.55 m)")
        return notes


def sample_shape_faults(headers: dict[str, Header]) -> list[tuple[str, str, str]]:
    """What is wrong with the arrays of a sample file: field, found, expected.

    Args:
        headers: Shape and type of every array.
    """
    missing = [(name, "missing", "an array of this name") for name in REQUIRED if name not in headers]
    if missing:
        return missing
    shape = {name: header[0] for name, header in headers.items()}
    if len(shape["traj"]) != 3 or shape["traj"][2] not in {2, 3} or 0 in shape["traj"][:2]:
        return [("traj", str(shape["traj"]), "(points, steps, 2 or 3), at least one of each")]
    n_rows, n_steps, _ = shape["traj"]
    n_past = shape["traj_history"][1] if len(shape.get("traj_history", ())) == 3 else HISTORY_LEN
    allowed: dict[str, set[tuple[int, ...]]] = {
        "keypoints": {(n_rows, 2)},
        "valid_steps": {(n_steps,), (n_rows, n_steps)},
        "traj_history": {(n_rows, n_past, 3)},
        "valid_steps_history": {(n_past,), (n_rows, n_past)},
        "raw_traj": {(n_rows, n_steps, 3)},
        "raw_valid_steps": {(n_steps,), (n_rows, n_steps)},
        "raw_traj_history": {(n_rows, n_past, 3)},
        "raw_valid_steps_history": {(n_past,), (n_rows, n_past)},
        "cluster_ids": {(n_rows,)},
        "is_moving": {(n_rows,)},
        "is_task_relevant": {(n_rows,)},
        "visibs": {(n_rows,), (n_rows, 1)},
    }
    faults = [
        (name, str(shape[name]), " or ".join(str(each) for each in sorted(shapes, key=len)))
        for name, shapes in allowed.items()
        if name in shape and shape[name] not in shapes
    ]
    flat = shape.get("traj_2d")
    if flat is not None and (len(flat) != 3 or flat[0] != n_rows or flat[2] != 2 or flat[1] == 0):
        faults.append(("traj_2d", str(flat), f"({n_rows}, frames, 2)"))
    return faults


def _unfit(path: Path, found: str, size_px: tuple[int, int]) -> EpisodeError:
    return EpisodeError(
        f"{path} has {found}.",
        expected=f"{size_px[1]} x {size_px[0]}, as the first image",
        remedy="restore this file, or delete it with its sample.",
    )
