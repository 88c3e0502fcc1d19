"""Clips from our own simulator, with exact truth kept apart from what a camera would see."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8


@dataclass(frozen=True)
class GroundTruthTracks:
    """Body-fixed surface points followed exactly; nothing in the pipeline but audits may look at them.

    `entity`: 0 table and surroundings, 1 arm or forearm, 2 gripper or hand, 3 target object, 4 sink,
    5 and up distractors. `is_moving`: the point leaves its first position by more than 2 cm.
    """

    points_world: Float[np.ndarray, "t n 3"]
    visible: Bool[np.ndarray, "t n"]
    entity: Int[np.ndarray, " n"]
    is_moving: Bool[np.ndarray, " n"]


@dataclass(frozen=True)
class RecordedClip:
    """One simulated recording: what the cameras saw, what the robot did, and the truth.

    Cameras are OpenCV's (x right, y down, z forward; integer pixel coordinates are pixel centres).
    `depth_m` is 0 where nothing was measured. `camera_poses_known` is False where the pipeline has to
    find the poses itself: they are then part of the truth only. `robot_*` and `wrist_frames` are None
    for the human hand.
    """

    clip_id: str
    scene_id: str
    instruction: str
    embodiment: str
    fps_hz: float
    frames: UInt8[np.ndarray, "t h w 3"]
    depth_m: Float[np.ndarray, "t h w"]
    intrinsics: Float[np.ndarray, "3 3"]
    camera_from_world: Float[np.ndarray, "t 4 4"]
    camera_poses_known: bool
    wrist_frames: UInt8[np.ndarray, "t 64 64 3"] | None
    robot_state: Float[np.ndarray, "t 9"] | None
    robot_action: Float[np.ndarray, "t 5"] | None
    success: bool
    truth: GroundTruthTracks


# record_clip(params: SimulatedSource, index: int) -> RecordedClip
# record_clips(params: SimulatedSource, workers: int) -> Iterator[RecordedClip]   in index order
