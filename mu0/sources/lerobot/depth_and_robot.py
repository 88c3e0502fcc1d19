"""What an episode of a LeRobotDataset holds beside its frames: depth, and the robot's states and actions."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, Int

from mu0.params.raw_videos import LeRobotSource
from mu0.sources.clip.on_disk import RobotLog
from mu0.sources.containers.ranges import FrameRange
from mu0.sources.containers.video import iter_grey_range
from mu0.sources.lerobot.depth import QUANTISED, DepthCoding, coding_of, depth_key_of, info_of, scaled
from mu0.sources.lerobot.layout import Layout
from mu0.sources.lerobot.rows import EpisodeRows

STATE, ACTION = "observation.state", "action"
BOOKKEEPING = frozenset({"timestamp", "frame_index", "episode_index", "index", "task_index", "next"})
MOST_NAMES = 8
STATE_SIZE, ACTION_SIZE = 9, 5


@dataclass(frozen=True)
class DepthFrames:
    """The depth of a camera: its feature (None: there is none), how to read it, and what to tell."""

    key: str | None
    coding: DepthCoding | None = None
    units_per_m: float = 1000.0
    note: str = ""

    def from_images(self, rows: EpisodeRows) -> Iterator[Float[np.ndarray, "h w"]]:
        """Depth [m] from 16-bit images."""
        assert self.key is not None
        return scaled(rows.images(self.key, cv2.IMREAD_UNCHANGED), self.units_per_m)

    def from_video(self, path: Path, place: FrameRange) -> Iterator[Float[np.ndarray, "h w"]]:
        """Depth [m] from a video."""
        images = iter_grey_range(path, place)
        if self.coding is None:
            return scaled(images, self.units_per_m)
        return (self.coding.metres(codes) for codes in images)


def depth_of(
    layout: Layout, params: LeRobotSource, camera: str, size_px: tuple[int, int] | None = None
) -> DepthFrames:
    """The depth that belongs to a camera, and why it is left out where it must be.

    Args:
        layout: The dataset.
        params: The source's section.
        camera: The camera's feature.
        size_px: (height, width) of the camera's frames, where known: depth must have the same size.
    """
    key = params.depth_camera or depth_key_of(camera, layout.cameras)
    if key is None:
        return DepthFrames(None)
    feature = layout.cameras.get(key)
    if feature is None:
        return DepthFrames(None, note=f"the dataset has no depth camera {key}")
    coding = coding_of(feature)
    if fault := _depth_fault(feature, coding, size_px):
        return DepthFrames(None, note=f"depth {key} was left out: {fault}")
    return DepthFrames(key, coding, params.depth_units_per_m)


def _depth_fault(feature: dict[str, Any], coding: DepthCoding | None, size_px: tuple[int, int] | None) -> str:
    shape = tuple(feature.get("shape") or ())
    if size_px is not None and size_px not in {shape[:2], shape[1:3]}:
        return (
            f"it has shape {shape}, the frames {size_px} (height, width): they cannot be laid over each other"
        )
    if feature.get("dtype") == "image":
        return ""
    pixels = str(info_of(feature).get("video.pix_fmt") or "colour")
    if not pixels.startswith("gray1"):
        return f"it is a {pixels} video, which does not hold metres"
    if pixels == QUANTISED and coding is None:
        return "it does not tell video.depth_min, depth_max, shift and use_log"
    return ""


@dataclass(frozen=True)
class RobotPart:
    """The robot's log (None: there is none, or it was left out), the embodiment, and what to tell."""

    log: RobotLog | None
    embodiment: str
    note: str = ""


def robot_of(
    layout: Layout, rows: EpisodeRows, params: LeRobotSource, picked: Int[np.ndarray, " picked"]
) -> RobotPart:
    """States and actions of the picked frames in our own layout.

    A clip that skips frames takes the action that leads to its next frame.

    Raises:
        SourceError: The columns are damaged.
    """
    sizes = {key: _size(layout, key) for key in (STATE, ACTION)}
    if params.embodiment != "ur3" or sizes != {STATE: STATE_SIZE, ACTION: ACTION_SIZE}:
        found = " and ".join(f"{key} ({size})" for key, size in sizes.items() if size)
        robot = layout.robot_type or "unknown"
        note = f"{found} of robot {robot!r} were left out: not in the layout of ur3" if found else ""
        return RobotPart(None, params.embodiment, note)
    state, action = (rows.column(key).astype(np.float32) for key in (STATE, ACTION))
    last_before_next = np.maximum(np.append(picked[1:], rows.length) - 1, picked)
    return RobotPart(RobotLog(state[picked], action[last_before_next]), "ur3")


def not_used(layout: Layout, used: set[str | None]) -> str:
    """The note on features that nobody looked at; empty if all were read or only count rows and frames."""
    left = [key for key in layout.features if key not in used and key.split(".")[0] not in BOOKKEEPING]
    more = f" and {len(left) - MOST_NAMES} more" if len(left) > MOST_NAMES else ""
    return f"features that were not used: {', '.join(left[:MOST_NAMES])}{more}" if left else ""


def _size(layout: Layout, key: str) -> int:
    shape = (layout.features.get(key) or {}).get("shape") or [0]
    return int(np.prod(shape))
