"""Clips from our own simulator, with exact truth kept apart from what a camera would see.

Clip `index` of a source is a pure function of the source's section in params.yaml and the index: neither the
number of workers nor the order of recording matters. `clips_per_scene` consecutive clips share a scene (same
layout, colours, light and camera) and differ in the target object and the start pose. What the arm does, and
so how many numbers its states and actions have, is the source's `task` (mu0/envs/ur3/tasks.py).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8

from mu0.envs.camera import Camera
from mu0.envs.depth_sensor import sense_depth
from mu0.envs.entities import TARGET
from mu0.envs.even_shares import is_in_share
from mu0.envs.ground_truth import GroundTruthTracks, TruthRecorder
from mu0.envs.hand import FRAME_HZ, HandScene
from mu0.envs.levels import Level
from mu0.envs.phases import PhaseName
from mu0.envs.ur3.arm_world import CONTROL_HZ, ArmWorld, Episode
from mu0.envs.ur3.tasks import find_task
from mu0.params.raw_videos import SimulatedSource

MAX_WORLDS = 2
MOVING, KNOWN = 0, 1  # streams of even shares


@dataclass(frozen=True)
class RecordedClip:
    """One simulated recording: what the cameras saw, what the robot did, and the truth.

    Cameras are OpenCV's (x right, y down, z forward; integer pixel coordinates are pixel centres).
    `depth_m` is 0 where nothing was measured. `camera_poses_known` is False where the pipeline has to
    find the poses itself: they are then part of the truth only. `robot_*` and `wrist_frames` are None
    for the human hand. `phases` has what the demonstrator does in each frame (mu0/envs/phases.py),
    `target_name` what people call the object that it is about.
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
    robot_state: Float[np.ndarray, "t state"] | None
    robot_action: Float[np.ndarray, "t action"] | None
    success: bool
    truth: GroundTruthTracks
    phases: tuple[PhaseName, ...]
    target_name: str


class _Tape:
    """Collects the frames of one clip."""

    def __init__(self, scene: HandScene | ArmWorld, rng: np.random.Generator, *, noisy: bool) -> None:
        cloths = {int(flex): TARGET for flex in np.flatnonzero(scene.model.flex_dim == 2)}
        self.truth = TruthRecorder(scene.model, scene.entity_of_geoms(), rng, cloths)
        self._data, self._rng, self._noisy = scene.data, rng, noisy
        self.frames: list[np.ndarray] = []
        self.depth_m: list[np.ndarray] = []
        self.poses: list[np.ndarray] = []
        self.phases: list[PhaseName] = []

    def add(
        self,
        camera: Camera,
        image: UInt8[np.ndarray, "h w 3"],
        depth_m: Float[np.ndarray, "h w"],
        phase: PhaseName,
    ) -> None:
        """Keep one frame; the truth looks at the exact depth."""
        self.truth.look(self._data, camera, depth_m)
        self.frames.append(image)
        self.depth_m.append(sense_depth(depth_m, self._rng) if self._noisy else depth_m)
        self.poses.append(camera.camera_from_world)
        self.phases.append(phase)


def record_clip(params: SimulatedSource, index: int) -> RecordedClip:
    """Record clip number `index` (from 0) of a source."""
    if params.embodiment == "ur3":
        return _record_robot(params, index)
    return _record_hand(params, index)


@lru_cache(maxsize=MAX_WORLDS)
def _robot_world(task: str, width_px: int, height_px: int, *, unseen_objects: bool) -> ArmWorld:
    """Compiling a world and opening its renderer takes as long as a fifth of a clip: a process keeps it."""
    level: Level = "unseen_objects" if unseen_objects else "in_distribution"
    return find_task(task).make(width_px=width_px, height_px=height_px, level=level)


@lru_cache(maxsize=MAX_WORLDS)
def _hand_world(width_px: int, height_px: int) -> HandScene:
    return HandScene(width_px, height_px)


def _size_px(params: SimulatedSource) -> tuple[int, int]:
    return params.width_px or params.image_size_px, params.height_px or params.image_size_px


def _has_moving_camera(params: SimulatedSource, index: int) -> bool:
    return is_in_share(index, params.moving_camera_share, MOVING)


def _has_known_poses(params: SimulatedSource, index: int) -> bool:
    return is_in_share(index, params.known_pose_share, KNOWN)


def _record_robot(params: SimulatedSource, index: int) -> RecordedClip:
    environment = _robot_world(params.task, *_size_px(params), unseen_objects=params.unseen_objects)
    scene_seed, variant = params.scene_of(index)
    rng = np.random.default_rng([scene_seed, 2, variant])
    moving = _has_moving_camera(params, index)
    observation = environment.begin(Episode(scene_seed, variant, moving, params.orbiting_camera))
    tape = _Tape(environment, rng, noisy=params.depth_noise)
    wrist, states, actions = [], [], []
    for phase, wanted, executed in find_task(params.task).demonstrate(environment, rng):
        assert observation.depth_m is not None
        tape.add(environment.front_camera(), observation.image, observation.depth_m, phase)
        assert observation.wrist_image is not None
        wrist.append(observation.wrist_image)
        states.append(environment.state())
        actions.append(wanted.astype(np.float32))
        observation, _ = environment.step(executed)
    return _clip(
        params,
        index,
        environment,
        tape,
        fps_hz=CONTROL_HZ,
        wrist_frames=np.stack(wrist, axis=0),
        robot=(np.stack(states, axis=0), np.stack(actions, axis=0)),
    )


def _record_hand(params: SimulatedSource, index: int) -> RecordedClip:
    scene = _hand_world(*_size_px(params))
    scene_seed, variant = params.scene_of(index)
    rng = np.random.default_rng([scene_seed, 2, variant])
    scene.reset_variant(scene_seed, variant, moving_camera=_has_moving_camera(params, index))
    tape = _Tape(scene, rng, noisy=params.depth_noise)
    for _ in scene.play():
        camera = scene.front_camera()
        tape.add(camera, *scene.renderer.render(camera), scene.phase)
    tape.phases = [*tape.phases[1:], tape.phases[-1]]  # a frame's phase is that of the movement after it
    return _clip(params, index, scene, tape, fps_hz=FRAME_HZ)


def _clip(
    params: SimulatedSource,
    index: int,
    scene: HandScene | ArmWorld,
    tape: _Tape,
    *,
    fps_hz: float,
    wrist_frames: UInt8[np.ndarray, "t 64 64 3"] | None = None,
    robot: tuple[Float[np.ndarray, "t state"], Float[np.ndarray, "t action"]] | None = None,
) -> RecordedClip:
    state, action = robot or (None, None)
    return RecordedClip(
        clip_id=f"{params.clip_prefix}_{params.seed:06d}_{index:05d}",
        scene_id=f"{params.clip_prefix}_scene_{params.scene_of(index)[0]:06d}",
        instruction=scene.instruction,
        embodiment=params.embodiment,
        fps_hz=fps_hz,
        frames=np.stack(tape.frames, axis=0),
        depth_m=np.stack(tape.depth_m, axis=0),
        intrinsics=scene.front_camera().intrinsics,
        camera_from_world=np.stack(tape.poses, axis=0),
        camera_poses_known=_has_known_poses(params, index),
        wrist_frames=wrist_frames,
        robot_state=state,
        robot_action=action,
        success=scene.is_success(),
        truth=tape.truth.finish(),
        phases=tuple(tape.phases),
        target_name=scene.target_name,
    )
