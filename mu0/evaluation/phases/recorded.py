"""Phases and entities of a simulated clip, from the exact truth that was recorded beside it.

Nothing but evaluations and audits may read this: no method, and no training.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.envs.entities import ARM, HAND, TARGET
from mu0.errors import StageError
from mu0.evaluation.phases.names import NEAR_M, PHASE_OF_RECORDED, Entity, Phase
from mu0.geometry.camera import project, uvz_from_trace
from mu0.geometry.rigid import apply

NAMED: dict[int, Entity] = {HAND: "gripper", TARGET: "target", ARM: "arm"}
ON_IT_M = 0.04  # a keypoint farther than this from every true point that is seen lies on nothing known
ON_IT_UV = 0.08  # the same in a picture without depth, of whose width 2 is the whole


@dataclass(frozen=True)
class Recorded:
    """Truth about the kept frames of an episode.

    Attributes:
        name: What the demonstrator does in each frame (mu0/envs/phases.py).
        points_world: Points on surfaces, followed exactly [m]; z is up.
        visible: Whether the camera sees them.
        entity: Numbers of mu0/envs/entities.py.
        camera_from_world: Cameras.
        intrinsics: Pinhole matrix of the clip [px].
    """

    name: tuple[str, ...]
    points_world: Float[np.ndarray, "t n 3"]
    visible: Bool[np.ndarray, "t n"]
    entity: Int[np.ndarray, " n"]
    camera_from_world: Float[np.ndarray, "t 4 4"]
    intrinsics: Float[np.ndarray, "3 3"]

    @property
    def hand_m(self) -> Float[np.ndarray, "t 3"]:
        """Mean place of the points of the gripper or hand."""
        return self.points_world[:, self.entity == HAND].mean(1)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phase of each frame; a reach within `NEAR_M` of where it ends has become a hover."""
        found: list[Phase] = [PHASE_OF_RECORDED.get(name, "unknown") for name in self.name]
        hand_m = self.hand_m[:, :2]
        for frame, name in enumerate(self.name):
            end = self.next_start(frame)
            if name == "reach" and end is not None:
                is_near = np.linalg.norm(hand_m[frame] - hand_m[end]) <= NEAR_M
                found[frame] = "hover" if is_near else "approach"
        return tuple(found)

    def next_start(self, frame: int, name: str = "") -> int | None:
        """The first frame from `frame` on of another name, or of this one; None if there is none."""
        for later in range(frame, len(self.name)):
            if self.name[later] == name if name else self.name[later] != self.name[frame]:
                return later
        return None

    def entities(
        self,
        anchor_uvz: Float[np.ndarray, "q 3"],
        frame: int,
        camera: tuple[Float[np.ndarray, "3 3"] | None, tuple[int, int]],
        *,
        is_3d: bool,
    ) -> tuple[Entity, ...]:
        """Whose surface each keypoint lies on: that of the nearest true point that is seen.

        Args:
            anchor_uvz: Keypoints.
            frame: Kept frame in which they are chosen.
            camera: Intrinsics [px] and (height, width) of the picture.
            is_3d: Whether the keypoints have depth; else the picture decides.
        """
        told, (height_px, width_px) = camera
        intrinsics = self.intrinsics if told is None or not is_3d else told.astype(np.float64)
        seen = np.flatnonzero(self.visible[frame])
        if not len(seen):
            nothing: tuple[Entity, ...] = ("other",)
            return nothing * len(anchor_uvz)
        points = apply(self.camera_from_world[frame], self.points_world[frame, seen].astype(np.float64))
        true_uvz = uvz_from_trace(project(points, intrinsics), height_px, width_px)
        away: Float[np.ndarray, "q n"] = np.linalg.norm(
            anchor_uvz[:, None, :2].astype(np.float64) - true_uvz[None, :, :2], axis=-1
        )
        limit = ON_IT_UV
        if is_3d:
            sideways_m = np.array([width_px / 2, height_px / 2]) / intrinsics[[0, 1], [0, 1]]
            offset = anchor_uvz[:, None].astype(np.float64) - true_uvz[None]
            offset[..., :2] *= sideways_m * anchor_uvz[:, None, 2:]
            away, limit = np.linalg.norm(offset, axis=-1), ON_IT_M
        nearest = seen[away.argmin(1)]
        names: list[Entity] = [NAMED.get(int(number), "other") for number in self.entity[nearest]]
        return tuple(
            name if near else "other" for name, near in zip(names, away.min(1) <= limit, strict=True)
        )


def read_recorded(path: Path, frames: tuple[int, ...]) -> Recorded:
    """The truth of one clip at the source frames that its episode kept.

    Raises:
        StageError: It was recorded before phases were.
    """
    with np.load(path, allow_pickle=False) as arrays:
        if "phase" not in arrays:
            raise StageError(
                f"{path} has no phases.",
                expected="the truth of a clip that this version recorded",
                remedy="run `mu0 run raw_videos`, which records the simulated clips again.",
            )
        chosen = np.array(frames)
        return Recorded(
            name=tuple(str(name) for name in arrays["phase"][chosen]),
            points_world=arrays["points_world"][chosen],
            visible=arrays["visible"][chosen],
            entity=arrays["entity"],
            camera_from_world=arrays["camera_from_world"][chosen],
            intrinsics=arrays["intrinsics"],
        )
