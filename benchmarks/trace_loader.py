"""The window loader: ours against a per-sample loader written the way the official one works.

    python benchmarks/trace_loader.py --out trace_loader.json
    python benchmarks/trace_loader.py --dataset data/trace_dataset     # on the project's own episodes

The reference opens memory maps lazily, and for every sample filters the rows of its frame, draws keypoints
with `random.Random`, normalises, resizes the image with torch, draws a caption and collates a batch
with padding. Both make equal batches in kind and size, on one thread, without workers.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from mu0.dataset.captions import CaptionPool, read_captions
from mu0.dataset.index import build_index, read_slots
from mu0.dataset.rows import WindowShape
from mu0.dataset.statistics import NormalizerStats, compute_statistics
from mu0.dataset.store import WindowSettings
from mu0.dataset.windows import TraceWindows
from mu0.episodes.arrays import PAD, EpisodeArrays, Samples
from mu0.episodes.read import Episode, read_episode
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.write import write_episode

SHAPE = WindowShape()
BATCH, QUERIES, IMAGE_SIZE_PX = 32, 16, 128
N_BATCHES = 30
N_EPISODES, N_FRAMES, N_ROWS, HEIGHT, WIDTH = 12, 40, 96, 128, 128


class PerSampleLoader:
    """One window at a time, every step of the official order of operations, then collation."""

    def __init__(self, slots: pd.DataFrame, root: Path, captions: Path, statistics: NormalizerStats) -> None:
        self.slots = slots.to_dict("records")
        self.root, self.captions = root, captions
        self.scale = statistics.delta_scale
        self.random = random.Random(0)
        self.open: dict[str, tuple[Episode, CaptionPool]] = {}

    def sample(self, row: dict[str, object]) -> dict[str, object]:
        """One window, as `__getitem__` would make it."""
        name = str(row["episode_id"])
        if name not in self.open:
            self.open[name] = read_episode(self.root / name), read_captions(self.captions, name)
        episode, pool_of_texts = self.open[name]
        samples, frame = episode.samples, int(row["frame_index"])
        height, width = episode.size_px
        rows = np.arange(samples.n_rows)[episode.slot(frame)]
        rows = rows[samples.is_moving[rows]]
        history = samples.traj_history[rows, : SHAPE.history_len + 1].astype(np.float32)
        future = samples.traj[rows, 1 : SHAPE.future_len + 1].astype(np.float32)
        for trace in (history, future):
            trace[..., 0] = 2 * trace[..., 0] / width - 1
            trace[..., 1] = 2 * trace[..., 1] / height - 1
        valid_history = samples.valid_steps_history[rows, : SHAPE.history_len + 1] & np.isfinite(history).all(
            -1
        )
        valid_future = samples.valid_steps[rows, 1 : SHAPE.future_len + 1] & np.isfinite(future).all(-1)
        keep = valid_history[:, 0] & (np.abs(history[:, 0, :2]) <= 1).all(-1)
        keep &= valid_future.sum(1) >= SHAPE.min_future_steps
        pool = np.flatnonzero(keep)
        picks = pool[self.random.sample(range(len(pool)), min(QUERIES, len(pool)))]
        anchor = history[picks, 0]
        past = np.where(valid_history[picks][:, :0:-1, None], history[picks][:, :0:-1] - anchor[:, None], 0)
        delta = np.where(valid_future[picks][..., None], (future[picks] - anchor[:, None]) / self.scale, 0)
        image = torch.from_numpy(np.array(episode.images[frame])).permute(2, 0, 1).float() / 255
        size = (IMAGE_SIZE_PX, IMAGE_SIZE_PX)
        image = functional.interpolate(image[None], size=size, mode="bilinear", align_corners=False)[0]
        text = pool_of_texts.draw(frame, np.random.default_rng(self.random.randrange(2**31)))
        arrays = {
            "anchor_uvz": anchor, "history": past, "future": delta,
            "history_valid": valid_history[picks][:, :0:-1], "future_valid": valid_future[picks],
            "cluster_ids": samples.cluster_ids[rows[picks]].astype(np.int64),
        }  # fmt: skip
        return {"image": image, "text": text} | {
            k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in arrays.items()
        }

    def batch(self) -> dict[str, object]:
        """Collate with padding to the largest number of keypoints."""
        items = [self.sample(self.random.choice(self.slots)) for _ in range(BATCH)]
        widest = max(len(item["anchor_uvz"]) for item in items)
        collated: dict[str, object] = {"image": torch.stack([item["image"] for item in items])}
        for key in ("anchor_uvz", "history", "future", "history_valid", "future_valid", "cluster_ids"):
            first = items[0][key]
            padded = torch.zeros((BATCH, widest, *first.shape[1:]), dtype=first.dtype)
            for b, item in enumerate(items):
                padded[b, : len(item[key])] = item[key]
            collated[key] = padded
        collated["task"] = [item["text"] for item in items]
        return collated


def make_episodes(root: Path) -> pd.DataFrame:
    """Synthetic episodes of the size of a simulated clip, with the official 128 and 32 columns."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(N_EPISODES):
        n = (N_FRAMES - 1) * N_ROWS
        walk = rng.normal(size=(n, 128, 3)).cumsum(axis=1) * [0.5, 0.5, 0.005] + [WIDTH / 2, HEIGHT / 2, 1.0]
        traj = walk.astype(np.float16)
        valid = np.arange(128) < rng.integers(8, 80, size=n)[:, None]
        traj[~valid] = PAD
        past, past_valid = traj[:, :32].copy(), valid[:, :32] & (np.arange(32) < 20)
        past[~past_valid] = PAD
        samples = Samples(
            frame_indices=np.arange(N_FRAMES - 1, dtype=np.int32),
            offsets=np.arange(0, n + 1, N_ROWS, dtype=np.int64),
            keypoints=traj[:, 0, :2], cluster_ids=np.arange(n, dtype=np.int32) % 16,
            is_moving=np.ones(n, bool),
            visibs=np.ones(n, np.float16), traj=traj, traj_history=past, valid_steps=valid,
            valid_steps_history=past_valid, raw_traj=traj, raw_traj_history=past, raw_valid_steps=valid,
            raw_valid_steps_history=past_valid,
        )  # fmt: skip
        arrays = EpisodeArrays(
            images=rng.integers(0, 255, (N_FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8), depth_m=None,
            intrinsics=np.repeat(np.eye(3, dtype=np.float32)[None], N_FRAMES, 0),
            camera_from_world=np.repeat(np.eye(4, dtype=np.float32)[None], N_FRAMES, 0),
            acceleration=np.zeros(N_FRAMES, np.float32), samples=samples,
        )  # fmt: skip
        sidecar = Sidecar(
            source="made", clip_id=f"c{number}", scene_id=f"s{number}", embodiment="unknown",
            instruction="", licence="CC0-1.0", simulated=True, video_sha256="", fps_hz=10.0,
            source_frames=tuple(range(N_FRAMES)),
            is_3d=True, pose_source="none", backends={}, versions={},
        )  # fmt: skip
        write_episode(root / "episodes" / "made" / f"c{number}", arrays, sidecar)
        captions = root / "captions" / "made" / f"c{number}"
        captions.mkdir(parents=True)
        entry = {"start_idx": 0, "end_idx": N_FRAMES, "instruction_1": "move", "instruction_2": "push"}
        (captions / "curated_training_texts.json").write_text(json.dumps({"chunk_texts": [entry]}))
        row = {"source": "made", "clip_id": f"c{number}", "scene_id": f"s{number}", "embodiment": "unknown"}
        rows.append(row | {"simulated": True, "status": "ok", "reason": "", "is_3d": True})
    return pd.DataFrame(rows)


def prepare(root: Path) -> Path:
    """Episodes, index and statistics below `root`."""
    quality = make_episodes(root)
    index = build_index(quality, root / "episodes", SHAPE, val_share=0.1, test_share=0.1, seed=0)
    folder = root / "dataset"
    folder.mkdir()
    index.slots.to_parquet(folder / "index.parquet")
    names = sorted(index.episodes["episode_id"])
    episodes = (read_episode(root / "episodes" / name) for name in names)
    compute_statistics(episodes, history_len=8, future_len=32).write(folder / "normalizer_stats.json")
    return folder


def measure(dataset: Path, episodes: Path, captions: Path) -> dict[str, float]:
    """Windows per second of both loaders, taking turns so that a busy machine slows both."""
    settings = WindowSettings(SHAPE, IMAGE_SIZE_PX)
    started = time.process_time()
    windows = TraceWindows.open(dataset, episodes, captions, "train", settings)
    open_s = time.process_time() - started
    slots = read_slots(dataset / "index.parquet")
    reference = PerSampleLoader(
        slots[slots["split"] == "train"],
        episodes,
        captions,
        NormalizerStats.read(dataset / "normalizer_stats.json"),
    )
    stream = windows.batches(BATCH, QUERIES, seed=0)
    for _ in range(10):
        reference.batch()
        next(stream)
    slow, fast = [], []
    for _ in range(N_BATCHES):
        started = time.process_time()
        reference.batch()
        middle = time.process_time()
        next(stream)
        slow.append(middle - started)
        fast.append(time.process_time() - middle)
    slow_s, fast_s = float(np.median(slow)), float(np.median(fast))
    return {
        "per_sample_windows_per_s": BATCH / slow_s,
        "ours_windows_per_s": BATCH / fast_s,
        "ratio": slow_s / fast_s,
        "target_ratio": 5,
        "ours_ms_per_batch": 1000 * fast_s,
        "ours_open_s": open_s,
        "n_windows": len(windows),
    }


def main() -> int:
    """Measure and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--dataset", type=Path, help="a trace dataset beside extracted_traces and captions")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.dataset:
        data = arguments.dataset.parent
        result = measure(arguments.dataset, data / "extracted_traces", data / "captions")
    else:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            result = measure(prepare(root), root / "episodes", root / "captions")
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    return 0 if result["ratio"] >= result["target_ratio"] else 1


if __name__ == "__main__":
    sys.exit(main())
