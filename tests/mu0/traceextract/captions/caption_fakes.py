"""Small episodes with known motion, and a chat model that says what it is told, for the tests of captions."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from mu0.episodes.arrays import EpisodeArrays
from mu0.episodes.read import Episode, read_episode
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.write import write_episode
from mu0.geometry.camera import project
from mu0.params.extract import ExtractParams
from mu0.traceextract.captions.captioners.interfaces import AbstractChatModel, Origin, Prompt, Reply
from mu0.traceextract.samples.anchor_views import sample_traces
from mu0.traceextract.tracking.world_tracks import WorldTracks

TASK = "put the red cube into the bowl"
SIZE_PX = (100, 100)
INTRINSICS = np.array([[100.0, 0, 50], [0, 100, 50], [0, 0, 1]])
N_FRAMES = 40
GOOD_CAPTION: dict[str, object] = {
    "instruction_1": "A robot gripper lifts a red cube.",
    "instruction_2": "Close the gripper, then lift the cube.",
    "instruction_3": "pick that cube up please",
    "embodiment_type": "robot_gripper",
    "skill_labels": ["grasp", "lift"],
    "objects": ["red cube"],
    "hallucination_flags": {"object_identity_uncertain": True},
    "structured_motion": {"main_actor": "gripper", "motion_type": "lift", "confidence": "high"},
}


def bumps(n_frames: int, centres: Sequence[int], heights: Sequence[float], sigma: float) -> np.ndarray:
    """A sum of Gaussians: acceleration with known events."""
    time = np.arange(n_frames)
    return sum(
        (h * np.exp(-0.5 * ((time - c) / sigma) ** 2) for c, h in zip(centres, heights, strict=True)),
        np.zeros(n_frames),
    )


THREE_EVENTS = bumps(120, [20, 60, 100], [1, 0.8, 0.9], 9).astype(np.float32)  # 0-40, 41-79, 80-119


def make_episode(
    folder: Path,
    way_m: np.ndarray,
    *,
    joint: bool = False,
    task: str = TASK,
    acceleration: np.ndarray | None = None,
    future_len: int = 40,
    n_each: int = 3,
) -> Episode:
    """Two entities of `n_each` points; the first one goes `way_m`, the other one too if `joint`."""
    rng = np.random.default_rng(0)
    n_frames = N_FRAMES if acceleration is None else len(acceleration)
    start = rng.uniform([-0.05, -0.05, 1], [0.05, 0.05, 1.1], (2 * n_each, 3))
    share = np.zeros((n_frames, 2 * n_each))
    share[:, :n_each] = np.linspace(0, 1, n_frames)[:, None]
    if joint:
        share[:, n_each:] = share[:, :n_each]
    entity = np.repeat([0, 1], n_each)
    return episode_of(
        folder, start + share[..., None] * way_m, entity, task=task, acceleration=acceleration,
        future_len=future_len,
    )  # fmt: skip


def episode_of(
    folder: Path,
    points_m: np.ndarray,
    entity: np.ndarray,
    *,
    task: str = TASK,
    acceleration: np.ndarray | None = None,
    future_len: int = 40,
) -> Episode:
    """An episode of points [t n 3] that a still camera at the origin sees all the time."""
    rng = np.random.default_rng(0)
    points = points_m.astype(np.float32)
    shape = points.shape[:2]
    n_frames, n_points = shape
    tracks = WorldTracks(
        points_world=points,
        uv_px=project(points, INTRINSICS)[..., :2],
        visible=np.ones(shape, bool),
        confidence=np.ones(shape, np.float32),
        query_frame=np.zeros(n_points, np.int32),
        entity=entity.astype(np.int32),
        is_moving=np.ones(n_points, bool),
        intrinsics=INTRINSICS,
        camera_from_world=np.tile(np.eye(4), (n_frames, 1, 1)),
        pose_source="given",
    )
    sampled = sample_traces(tracks, SIZE_PX, ExtractParams(future_len=future_len, history_len=16))
    arrays = EpisodeArrays(
        images=rng.integers(0, 255, (n_frames, *SIZE_PX, 3), np.uint8),
        depth_m=np.ones((n_frames, *SIZE_PX), np.float16),
        intrinsics=np.tile(INTRINSICS.astype(np.float32), (n_frames, 1, 1)),
        camera_from_world=np.tile(np.eye(4, dtype=np.float32), (n_frames, 1, 1)),
        acceleration=np.zeros(n_frames, np.float32) if acceleration is None else acceleration,
        samples=sampled.samples,
    )
    sidecar = Sidecar(
        "ur3_sim", folder.name, "scene", "ur3", task, "CC0-1.0", True, "", 10.0, tuple(range(n_frames)),
        is_3d=True, pose_source="given", backends={"tracker": "lucas_kanade"}, versions={},
        retiming=sampled.retiming,
    )  # fmt: skip
    write_episode(folder, arrays, sidecar)
    return read_episode(folder)


class SaidModel(AbstractChatModel):
    """Answers with what a function says; counts the prompts."""

    def __init__(self, say: Callable[[Prompt], Reply | str], name: str = "said") -> None:
        self.say = say
        self.name = name
        self.prompts: list[Prompt] = []

    @property
    def origin(self) -> Origin:
        return Origin("local_vlm", self.name, "apache-2.0")

    @property
    def settings(self) -> dict[str, object]:
        return {"max_new_tokens": 9}

    def reply(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Reply]]:
        for number, prompt in reversed(list(enumerate(prompts))):  # any order is allowed
            self.prompts.append(prompt)
            said = self.say(prompt)
            yield number, said if isinstance(said, Reply) else Reply(said)

    def report(self) -> list[str]:
        return [f"{len(self.prompts)} prompts"]
