"""A small sound episode, built by hand so that every number in it is known."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mu0.episodes.arrays import EpisodeArrays, Samples
from mu0.episodes.movement import movement_statistics
from mu0.episodes.retiming import Retiming
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.write import write_episode

N_FRAMES, HEIGHT_PX, WIDTH_PX = 6, 8, 10
N_FUTURE, N_PAST = 5, 3


@dataclass(frozen=True)
class Content:
    arrays: EpisodeArrays
    sidecar: Sidecar


def _padded(n_rows: int, n_steps: int, n_valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mask = np.arange(n_steps) < n_valid[:, None]
    trace = np.full((n_rows, n_steps, 3), -np.inf, np.float16)
    trace[mask] = [2.5, 3.0, 1.0]
    return trace, mask


def _samples() -> Samples:
    """Frame 0 owns two rows of one group, frame 2 owns one row."""
    frames = np.array([0, 0, 2])
    traj, valid = _padded(3, N_FUTURE, np.array([4, 4, 2]))
    history, history_valid = _padded(3, N_PAST, np.array([1, 1, 2]))
    raw, raw_valid = _padded(3, N_FUTURE, np.minimum(N_FRAMES - frames, N_FUTURE))
    raw_history, raw_history_valid = _padded(3, N_PAST, np.minimum(frames + 1, N_PAST))
    return Samples(
        frame_indices=np.array([0, 2], np.int32),
        offsets=np.array([0, 2, 3]),
        keypoints=np.tile(np.array([2.5, 3.0], np.float16), (3, 1)),
        cluster_ids=np.array([0, 1, 1], np.int32),
        is_moving=np.ones(3, bool),
        visibs=np.array([1, 0, 1], np.float16),
        traj=traj,
        traj_history=history,
        valid_steps=valid,
        valid_steps_history=history_valid,
        raw_traj=raw,
        raw_traj_history=raw_history,
        raw_valid_steps=raw_valid,
        raw_valid_steps_history=raw_history_valid,
    )


@pytest.fixture
def content() -> Content:
    rng = np.random.default_rng(0)
    camera = np.tile(np.eye(4, dtype=np.float32), (N_FRAMES, 1, 1))
    camera[:, 0, 3] = 0.1 * np.arange(N_FRAMES)
    intrinsics = np.tile(np.array([[9, 0, 5], [0, 9, 4], [0, 0, 1]], np.float32), (N_FRAMES, 1, 1))
    arrays = EpisodeArrays(
        images=rng.integers(0, 256, (N_FRAMES, HEIGHT_PX, WIDTH_PX, 3)).astype(np.uint8),
        depth_m=rng.uniform(0.5, 2, (N_FRAMES, HEIGHT_PX, WIDTH_PX)).astype(np.float16),
        intrinsics=intrinsics,
        camera_from_world=camera,
        acceleration=rng.uniform(0, 1, N_FRAMES).astype(np.float32),
        samples=_samples(),
        movement=movement_statistics(camera, np.array([0.0, 0.8, 4.0]), (HEIGHT_PX, WIDTH_PX)),
        description="put the red cube into the bowl",
        meta={"dataset": "mu0"},
    )
    retiming = Retiming(
        path_step=0.05,
        future_frame=np.array([[0, 1.25, 2.5, 3.001, np.nan], [2, 4.5, np.nan, np.nan, np.nan]]),
        history_frame=np.array([[0, np.nan, np.nan], [2, 0.125, np.nan]]),
        run_offsets=np.array([0, 2, 3]),
        track_ids=np.array([4, 9, 9], np.int32),
    )
    sidecar = Sidecar(
        source="ur3_sim",
        clip_id="clip_000",
        scene_id="scene_7",
        embodiment="ur3",
        instruction="put the red cube into the bowl",
        licence="CC0-1.0",
        simulated=True,
        video_sha256="ab" * 32,
        fps_hz=10.0,
        source_frames=(0, 3, 6, 9, 12, 15),
        is_3d=True,
        pose_source="given",
        backends={"tracker": "lucas_kanade"},
        versions={"opencv": "5.0"},
        retiming=retiming,
    )
    return Content(arrays, sidecar)


@pytest.fixture
def episode_folder(tmp_path: Path, content: Content) -> Path:
    folder = tmp_path / "ur3_sim" / "clip_000"
    write_episode(folder, content.arrays, content.sidecar)
    return folder
