"""A small episode with a known motion: a square slides to the right in front of a textured wall."""

import json
from pathlib import Path

import numpy as np

from mu0.episodes.arrays import PAD, EpisodeArrays, Samples
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.write import write_episode

T, H, W, N, FUTURE, PAST = 12, 48, 64, 6, 16, 4
FOCAL = 60.0
K = np.array([[FOCAL, 0, W / 2], [0, FOCAL, H / 2], [0, 0, 1]], np.float32)
STEP_PX, NEAR_M, FAR_M = 2.0, 0.6, 1.2
EVIL = "</script><script>alert(1)</script>"


def make_episode(
    folder: Path, *, is_3d: bool = True, camera_moves: bool = False, n_frames: int = T, size: int = 1,
    instruction: str = "slide the square",
) -> Path:  # fmt: skip
    """Write it; every second frame is an anchor, rows 0 to 2 belong to entity 4, the others to entity 7."""
    height, width = H * size, W * size
    rng = np.random.default_rng(0)
    wall = rng.integers(60, 200, (height // 4 + 1, width // 4 + 1, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    images = np.repeat(wall[None, :height, :width], n_frames, 0)
    depth = np.full((n_frames, height, width), FAR_M, np.float16)
    poses = np.tile(np.eye(4, dtype=np.float32), (n_frames, 1, 1))
    if camera_moves:
        poses[:, 0, 3] = -0.02 * np.arange(n_frames)
    for frame in range(n_frames):
        left = int(8 + STEP_PX * (frame % T)) * size
        images[frame, 16 * size : 30 * size, left : left + 14 * size] = (220, 40, 30)
        depth[frame, 16 * size : 30 * size, left : left + 14 * size] = NEAR_M
    arrays = EpisodeArrays(
        images=images,
        depth_m=depth if is_3d else None,
        intrinsics=np.tile(K * [[size], [size], [1]], (n_frames, 1, 1)).astype(np.float32),
        camera_from_world=poses,
        acceleration=np.abs(np.sin(np.arange(n_frames))).astype(np.float32),
        samples=_samples(n_frames, size, is_3d=is_3d),
    )
    sidecar = Sidecar(
        "tests", folder.name, "scene", "unknown", instruction, "CC0-1.0", True, "", 10.0,
        tuple(range(n_frames)), is_3d, "given" if is_3d else "none", {"tracker": "by hand"}, {},
    )  # fmt: skip
    write_episode(folder, arrays, sidecar)
    return folder


def _samples(n_frames: int, size: int, *, is_3d: bool) -> Samples:
    anchors = np.arange(0, n_frames - 2, 2, dtype=np.int32)
    n_rows = N * len(anchors)
    x = (10 + 2 * np.arange(N)) * size
    y = (18 + np.arange(N)) * size
    future = np.full((n_rows, FUTURE, 3), PAD, np.float16)
    past = np.full((n_rows, PAST, 3), PAD, np.float16)
    steps, back = np.zeros((n_rows, FUTURE), bool), np.zeros((n_rows, PAST), bool)
    for slot, anchor in enumerate(anchors):
        rows = slice(N * slot, N * (slot + 1))
        for traces, mask, sign, most in (
            (future, steps, 1, T - anchor % T),
            (past, back, -1, anchor % T + 1),
        ):
            for step in range(min(int(most), traces.shape[1])):
                traces[rows, step, 0] = x + STEP_PX * size * (anchor % T + sign * step)
                traces[rows, step, 1], traces[rows, step, 2] = y, NEAR_M if is_3d else 0
                mask[rows, step] = True
    return Samples(
        frame_indices=anchors,
        offsets=np.arange(0, n_rows + 1, N, dtype=np.int64),
        keypoints=future[:, 0, :2],
        cluster_ids=np.tile(np.where(np.arange(N) < 3, 4, 7), len(anchors)).astype(np.int32),
        is_moving=np.ones(n_rows, bool),
        visibs=np.tile([1, 1, 1, 1, 1, 0], len(anchors)).astype(np.float16),
        traj=future, traj_history=past, valid_steps=steps, valid_steps_history=back,
        raw_traj=future, raw_traj_history=past, raw_valid_steps=steps, raw_valid_steps_history=back,
    )  # fmt: skip


def make_captions(folder: Path, words: str = "the square slides") -> Path:
    """Two events and the window over both."""

    def entry(start: int, end: int, text: str) -> dict[str, object]:
        return {"start_idx": start, "end_idx": end, "instruction_1": text, "instruction_2": f"{text} again",
                "instruction_3": text, "skill_labels": ["push"]}  # fmt: skip

    content = {
        "video_id": folder.name,
        "n_frames": T,
        "chunk_texts": [entry(0, 5, words), entry(6, 11, "it stops")],
        "merged_texts": [entry(0, 11, "all of it") | {"merge_type": "full"}],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "curated_training_texts.json").write_text(json.dumps(content))
    return folder
