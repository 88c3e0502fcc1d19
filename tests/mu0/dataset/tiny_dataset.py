"""A small trace dataset on disk: three sources, several scenes, one episode without depth."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mu0.dataset.index import build_index
from mu0.dataset.rows import WindowShape
from mu0.dataset.statistics import compute_statistics
from mu0.episodes.arrays import PAD, EpisodeArrays, Samples
from mu0.episodes.read import read_episode
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.write import write_episode

SHAPE = WindowShape(history_len=4, future_len=12, min_future_steps=5)
N_FRAMES, HEIGHT, WIDTH = 6, 24, 32
FUTURE_COLUMNS, HISTORY_COLUMNS = 16, 8
FOCAL_PX = 40.0


@dataclass(frozen=True)
class TinyDataset:
    """Where everything lies, and the tables made from it."""

    root: Path
    quality: pd.DataFrame

    @property
    def episodes(self) -> Path:
        return self.root / "extracted_traces"

    @property
    def captions(self) -> Path:
        return self.root / "captions"

    @property
    def folder(self) -> Path:
        return self.root / "trace_dataset"


def straight_samples(*, is_3d: bool, seed: int) -> Samples:
    """Five rows per anchor on straight lines; row r has 16 - 3 r valid future steps."""
    rng = np.random.default_rng(seed)
    frames = np.array([1, 2, 4], np.int32)
    n = 5 * len(frames)
    anchor = np.stack([rng.uniform(4, 28, n), rng.uniform(4, 20, n), rng.uniform(0.5, 1.0, n)], -1)
    step = np.stack([rng.uniform(0.1, 0.3, n), rng.uniform(-0.2, 0.2, n), rng.uniform(0.001, 0.01, n)], -1)
    if not is_3d:
        anchor[:, 2] = step[:, 2] = 0
    traj = anchor[:, None] + np.arange(FUTURE_COLUMNS)[:, None] * step[:, None]
    history = anchor[:, None] - np.arange(HISTORY_COLUMNS)[:, None] * step[:, None]
    future_valid = np.arange(FUTURE_COLUMNS) < (16 - 3 * np.tile(np.arange(5), len(frames)))[:, None]
    past_valid = np.broadcast_to(np.arange(HISTORY_COLUMNS) < 3, (n, HISTORY_COLUMNS)).copy()
    traj[~future_valid], history[~past_valid] = PAD, PAD
    future16, past16 = traj.astype(np.float16), history.astype(np.float16)
    return Samples(
        frame_indices=frames,
        offsets=np.arange(0, n + 1, 5, dtype=np.int64),
        keypoints=anchor[:, :2].astype(np.float16),
        cluster_ids=np.arange(n, dtype=np.int32),
        is_moving=np.ones(n, bool),
        visibs=np.ones(n, np.float16),
        traj=future16,
        traj_history=past16,
        valid_steps=future_valid,
        valid_steps_history=past_valid,
        raw_traj=future16,
        raw_traj_history=past16,
        raw_valid_steps=future_valid,
        raw_valid_steps_history=past_valid,
    )


def write_tiny_episode(root: Path, source: str, clip_id: str, scene_id: str, *, is_3d: bool = True) -> None:
    """One episode with gradients as images and slanted depth."""
    seed = sum(map(ord, source + clip_id))
    rng = np.random.default_rng(seed)
    intrinsics = np.array([[FOCAL_PX, 0, WIDTH / 2], [0, FOCAL_PX, HEIGHT / 2], [0, 0, 1]], np.float32)
    depth_m = np.linspace(0.5, 2.0, N_FRAMES * HEIGHT * WIDTH).reshape(N_FRAMES, HEIGHT, WIDTH)
    arrays = EpisodeArrays(
        images=rng.integers(0, 255, (N_FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8),
        depth_m=depth_m.astype(np.float16) if is_3d else None,
        intrinsics=np.repeat(intrinsics[None], N_FRAMES, 0),
        camera_from_world=np.repeat(np.eye(4, dtype=np.float32)[None], N_FRAMES, 0),
        acceleration=np.zeros(N_FRAMES, np.float32),
        samples=straight_samples(is_3d=is_3d, seed=seed),
    )
    sidecar = Sidecar(
        source=source, clip_id=clip_id, scene_id=scene_id, embodiment="ur3", instruction="move it",
        licence="CC0-1.0", simulated=True, video_sha256="0" * 64, fps_hz=10.0,
        source_frames=tuple(range(N_FRAMES)), is_3d=is_3d, pose_source="given", backends={}, versions={},
    )  # fmt: skip
    write_episode(root / source / clip_id, arrays, sidecar)


def quality_row(source: str, clip_id: str, scene_id: str, *, is_3d: bool = True) -> dict[str, object]:
    return {
        "clip_id": clip_id, "source": source, "scene_id": scene_id, "embodiment": "ur3", "simulated": True,
        "status": "ok", "reason": "", "is_3d": is_3d,
    }  # fmt: skip


def make_tiny_dataset(root: Path) -> TinyDataset:
    """Four scenes of two clips from one source, one 2-D clip from another, one failed clip."""
    rows = []
    for clip in range(8):
        write_tiny_episode(root / "extracted_traces", "arm", f"clip{clip}", f"scene{clip // 2}")
        rows.append(quality_row("arm", f"clip{clip}", f"scene{clip // 2}"))
    write_tiny_episode(root / "extracted_traces", "phone", "walk", "home", is_3d=False)
    rows.append(quality_row("phone", "walk", "home", is_3d=False))
    rows.append(
        quality_row("phone", "broken", "home") | {"status": "failed", "reason": "truncated", "is_3d": None}
    )
    tiny = TinyDataset(root, pd.DataFrame(rows))
    index = build_index(tiny.quality, tiny.episodes, SHAPE, val_share=0.1, test_share=0.15, seed=0)
    tiny.folder.mkdir()
    index.slots.to_parquet(tiny.folder / "index.parquet")
    train = index.episodes[index.episodes["split"] == "train"]["episode_id"].sort_values()
    statistics = compute_statistics(
        (read_episode(tiny.episodes / name) for name in train), history_len=4, future_len=12
    )
    statistics.write(tiny.folder / "normalizer_stats.json")
    return tiny
