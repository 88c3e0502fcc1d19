"""Writing the legacy and the TraceForge layout from any episode, one frame in memory at a time."""

import json
from pathlib import Path

import numpy as np

from mu0.episodes.layouts.frame_files import write_frame
from mu0.episodes.layouts.frame_rows import encode_legacy, encode_traceforge
from mu0.episodes.layouts.instructions import three_instructions
from mu0.episodes.layouts.kinds import INSTRUCTIONS_NAME
from mu0.episodes.layouts.view import AbstractEpisodeView
from mu0.episodes.sidecar import SIDECAR_NAME, sidecar_text


def write_legacy(view: AbstractEpisodeView, folder: Path, name: str) -> None:
    """Write the legacy layout into an existing folder.

    Args:
        view: The episode.
        folder: Where it goes; files in it are replaced.
        name: Start of the file names, `<name>_<t>.png`.

    Raises:
        EpisodeError: A frame or sample cannot be read.
    """
    _write_frames(view, folder, name)
    for index, rows in view.iter_rows():
        stem = f"{name}_{view.frame_numbers[index]}"
        arrays = encode_legacy(rows, f"images/{stem}.png", view.frame_numbers[index])
        np.savez(folder / "samples" / f"{stem}.npz", allow_pickle=False, **arrays)
    (folder / SIDECAR_NAME).write_text(sidecar_text(view.sidecar()), encoding="utf-8")


def write_traceforge(view: AbstractEpisodeView, folder: Path, name: str) -> None:
    """Write the TraceForge layout into an existing folder; arguments and errors as `write_legacy`."""
    is_3d = _write_frames(view, folder, name)
    for index, rows in view.iter_rows():
        stem = f"{name}_{view.frame_numbers[index]}"
        arrays = encode_traceforge(rows, f"images/{stem}.png", view.frame_numbers[index], is_3d=is_3d)
        np.savez(folder / "samples" / f"{stem}.npz", allow_pickle=False, **arrays)
    three = three_instructions(view.folder, view.instructions())
    if three is not None:
        text = json.dumps(three, indent=2, ensure_ascii=False)
        (folder / INSTRUCTIONS_NAME).write_text(text + "\n", encoding="utf-8")
    (folder / SIDECAR_NAME).write_text(sidecar_text(view.sidecar()), encoding="utf-8")


def _write_frames(view: AbstractEpisodeView, folder: Path, name: str) -> bool:
    """Write all images, depth and cameras; says whether traces have depth."""
    is_3d = view.sidecar().is_3d
    with_depth = view.has_depth and is_3d
    for kind in ("images", "samples", *(["depth"] if with_depth else [])):
        (folder / kind).mkdir()
    for index, number in enumerate(view.frame_numbers):
        depth_m = view.depth_m(index) if with_depth else None
        write_frame(folder, f"{name}_{number}", view.image(index), depth_m)
    if "cameras" not in view.absent:
        cameras = view.cameras()
        np.savez(
            folder / f"{name}.npz",
            extrinsics=cameras.camera_from_world,
            intrinsics=cameras.intrinsics,
            height=np.int32(view.size_px[0]),
            width=np.int32(view.size_px[1]),
        )
    return is_3d
