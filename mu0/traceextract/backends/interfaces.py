"""The roles behind the extractor, and the records that pass between them.

    feature extractor   frames -> one descriptor per patch        (what belongs together?)
    reconstructor       footage -> metric depth and camera path   (where is everything?)
    point tracker       queries -> their pixels in every frame    (where did it go?)
    hand landmarker     frames -> 21 joints of each hand          (optional: where are the hands?)

A backend meets one role, is named in params.yaml and imported when it is used (`registry`). Embedded defaults
need no weights; learned ones (DINOv2, Depth Anything, TAPIR ...) fit the same signatures.

Conventions
    pixels     x right, y down; the centre of the first pixel is (0, 0)
    depth_m    metres along the optical axis; 0 = missing
    poses      `camera_from_world`, 4 x 4; without given poses the world is the camera of the first frame

Long clips
    A clip that does not fit into memory is reconstructed as a whole, image by image, and then tracked window
    by window. Reconstructors therefore must not load `frames` or `depth_m` at once: index, slice and loop
    over them, and hand new depth to `Footage.keep`. Trackers and feature extractors get windows, as true
    arrays.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from mu0.episodes.stream import FrameArray, FrameStore, Images, MappedImages, NpyWriter

PoseSource = Literal["given", "odometry", "none"]

ODOMETRY_SLACK_M = (
    0.01  # drift of our odometry is 3 to 6 mm (reference/perception.md §3), and rotation adds to it
)


@dataclass(frozen=True)
class FineGrey:
    """Luma of more frames than are kept, for trackers that need small steps.

    `kept` says which are the kept ones; the first and the last one are.
    """

    grey: UInt8[FrameArray, "f h w"]
    kept: Int[np.ndarray, " t"]

    def __getitem__(self, frames: slice) -> "FineGrey":
        """The same for some neighbouring kept frames, in memory."""
        kept = self.kept[frames]
        return FineGrey(np.asarray(self.grey[kept[0] : kept[-1] + 1]), kept - kept[0])


@dataclass(frozen=True)
class Footage:
    """The frames that will become an episode, with whatever the source knew about them.

    `frames` and `depth_m` are arrays, or look like arrays but lie on disk (`mu0.episodes.stream`). `scratch`
    is the folder for more of these; None if the clip fits into memory. `fine` is there if the clip has no
    depth and the video is faster than the kept frames.
    """

    frames: UInt8[FrameArray, "t h w 3"]
    depth_m: Float[FrameArray, "t h w"] | None
    intrinsics: Float[np.ndarray, "3 3"] | None
    camera_from_world: Float[np.ndarray, "t 4 4"] | None
    source_frames: Int[np.ndarray, " t"]
    fps_hz: float
    scratch: Path | None = None
    fine: FineGrey | None = None

    @cached_property
    def grey(self) -> UInt8[FrameArray, "t h w"]:
        """Luma of every frame."""
        if isinstance(self.frames, Images):
            return MappedImages(self.frames, _luma)
        return np.stack([_luma(frame) for frame in self.frames])

    def keep(self, name: str, images: Iterable[np.ndarray]) -> FrameArray:
        """One array of images that come one by one: in memory, or in the file `name` of `scratch`.

        Args:
            name: File name without suffix; an older file of that name is replaced.
            images: At least one image; all of one shape and type.
        """
        if self.scratch is None:
            return np.stack(list(images))
        rest = iter(images)
        first = next(rest)
        path = self.scratch / f"{name}.npy"
        with NpyWriter(path, first.shape, first.dtype) as writer:
            writer.append(first[None])
            for image in rest:
                writer.append(image[None])
        return FrameStore(path)

    @property
    def image_size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.frames.shape[2], self.frames.shape[1]


def _luma(frame: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)


@dataclass(frozen=True)
class Reconstruction:
    """Depth and camera path. Without depth nothing is invented: `depth_m` is None and `is_3d` is False."""

    depth_m: Float[FrameArray, "t h w"] | None
    intrinsics: Float[np.ndarray, "3 3"]
    camera_from_world: Float[np.ndarray, "t 4 4"]
    pose_source: PoseSource
    note: str = ""
    pose_residual_px: Float[np.ndarray, " t"] | None = field(default=None)
    pose_report: dict[str, float] = field(default_factory=dict)  # residuals of an estimated path, by name
    intrinsics_source: str = ""  # "predicted" or "assumed_fov"; empty: the clip's own

    @property
    def pose_slack_m(self) -> float:
        """How far still things may seem to move because the camera path is an estimate."""
        return ODOMETRY_SLACK_M if self.pose_source == "odometry" else 0.0

    @property
    def is_3d(self) -> bool:
        """Whether positions are metres."""
        return self.depth_m is not None


@dataclass(frozen=True)
class PatchFeatures:
    """Descriptors of a patch grid over some sampled frames, and which pixels move by themselves there."""

    sampled_frames: Int[np.ndarray, " s"]
    descriptors: Float[np.ndarray, "s rows columns d"]
    moves: Bool[np.ndarray, "s h w"]


@dataclass(frozen=True)
class Keypoints:
    """Points to follow: when, where and for which entity they were chosen, and whether on a mover."""

    frame: Int[np.ndarray, " n"]
    pixel: Float[np.ndarray, "n 2"]
    entity: Int[np.ndarray, " n"]
    on_mover: Bool[np.ndarray, " n"]

    def __getitem__(self, which: Bool[np.ndarray, " n"]) -> "Keypoints":
        """The chosen ones."""
        return Keypoints(self.frame[which], self.pixel[which], self.entity[which], self.on_mover[which])

    def joined(self, other: "Keypoints") -> "Keypoints":
        """These, then the others."""
        return Keypoints(
            np.concatenate([self.frame, other.frame]),
            np.concatenate([self.pixel, other.pixel]),
            np.concatenate([self.entity, other.entity]),
            np.concatenate([self.on_mover, other.on_mover]),
        )


@dataclass(frozen=True)
class PixelTracks:
    """Pixels of every keypoint in every frame; where `is_seen` is False the pixel says nothing."""

    pixel: Float[np.ndarray, "t n 2"]
    is_seen: Bool[np.ndarray, "t n"]

    def __getitem__(self, which: Bool[np.ndarray, " n"]) -> "PixelTracks":
        """The chosen ones."""
        return PixelTracks(self.pixel[:, which], self.is_seen[:, which])

    def beside(self, other: "PixelTracks") -> "PixelTracks":
        """These, then the others."""
        return PixelTracks(
            np.concatenate([self.pixel, other.pixel], 1), np.concatenate([self.is_seen, other.is_seen], 1)
        )


@dataclass(frozen=True)
class HandSighting:
    """One hand in one frame, as a landmarker sees it; joints as in `mu0.episodes.hand_skeletons`.

    `landmarks` are x and y in pixels (they may lie outside the image) and z relative to the wrist, in pixels
    of the picture too, smaller is nearer.
    """

    landmarks: Float[np.ndarray, "21 3"]
    handedness: Literal["left", "right"]
    score: float


class AbstractFeatureExtractor(ABC):
    """Describes patches, so that patches of one thing can be found by clustering."""

    @abstractmethod
    def describe(
        self, footage: Footage, reconstruction: Reconstruction, sampled_frames: Int[np.ndarray, " s"]
    ) -> PatchFeatures:
        """Descriptors and motion masks of `sampled_frames`."""


class AbstractReconstructor(ABC):
    """Finds metric depth and the camera path, or says that it cannot."""

    @abstractmethod
    def reconstruct(self, footage: Footage) -> Reconstruction:
        """Depth, intrinsics and poses of every frame."""


class AbstractPointTracker(ABC):
    """Follows keypoints from their query frame in both directions of time."""

    @abstractmethod
    def track(self, footage: Footage, reconstruction: Reconstruction, keypoints: Keypoints) -> PixelTracks:
        """Pixels and visibility in every frame; at its query frame a keypoint is seen where it was chosen."""


class AbstractHandLandmarker(ABC):
    """Finds hands in single frames; which is which over time is not its business."""

    @abstractmethod
    def find(self, footage: Footage) -> list[list[HandSighting]]:
        """The hands of every frame; one hand may be seen twice in a frame, at the same place."""
