"""What really happened in a simulated clip: the demonstrator's phases, where its hand and its object were."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mu0.envs.entities import HAND, TARGET
from mu0.errors import StageError
from mu0.geometry.rigid import apply

UP_IN_WORLD = np.array([0.0, 0.0, 1.0])  # of the simulator


@dataclass(frozen=True)
class CaptionTruth:
    """Truth about the kept frames of an episode.

    Attributes:
        phase: What the demonstrator does in each frame (mu0/envs/phases.py).
        target_name: What people call the object that it handles.
        hand_m: Mean place of the hand's or gripper's points, simulator's world.
        target_m: The same of the object.
        camera_from_world: Cameras.
    """

    phase: tuple[str, ...]
    target_name: str
    hand_m: Float[np.ndarray, "t 3"]
    target_m: Float[np.ndarray, "t 3"]
    camera_from_world: Float[np.ndarray, "t 4 4"]

    @property
    def changes(self) -> list[int]:
        """First frames of all phases but the first."""
        return [i for i in range(1, len(self.phase)) if self.phase[i] != self.phase[i - 1]]

    def went(self, what: str, first: int, last: int) -> dict[str, float]:
        """How far the "hand" or the "target" went between two frames [m], as a viewer of the first one says.

        Up is against gravity, right is the picture's, forward is away from the viewer along the ground.
        """
        path = self.hand_m if what == "hand" else self.target_m
        turn = self.camera_from_world[first]
        up = apply(turn, UP_IN_WORLD[None])[0] - apply(turn, np.zeros((1, 3)))[0]
        ahead = np.array([0.0, 0.0, 1.0])
        ahead = ahead - (ahead @ up) * up
        ahead /= max(float(np.linalg.norm(ahead)), 1e-9)
        way = apply(turn, path[[first, last]])
        way = way[1] - way[0]
        right, rise, forward = (float(way @ axis) for axis in (np.cross(ahead, up), up, ahead))
        ways = {"right": right, "up": rise, "forward": forward}
        return ways | {"left": -right, "down": -rise, "backward": -forward}


def read_caption_truth(path: Path, frames: tuple[int, ...]) -> CaptionTruth:
    """The truth of one clip at the frames that its episode kept.

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
        points, entity = arrays["points_world"][chosen].astype(np.float64), arrays["entity"]
        return CaptionTruth(
            phase=tuple(str(name) for name in arrays["phase"][chosen]),
            target_name=str(arrays["target_name"].item()),
            hand_m=points[:, entity == HAND].mean(1),
            target_m=points[:, entity == TARGET].mean(1),
            camera_from_world=arrays["camera_from_world"][chosen],
        )
