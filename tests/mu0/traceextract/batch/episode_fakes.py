"""A fake engine and tiny clips for the tests of extraction; imported by worker processes too."""

import dataclasses
import shutil
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from mu0.episodes.arrays import EpisodeArrays
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.write import write_episode
from mu0.errors import ExtractionError
from mu0.params.extract import ExtractParams
from mu0.sources.clip.on_disk import Clip, ClipInfo, write_clip
from mu0.traceextract.quality.row import QualityRow

ENGINE = "episode_fakes:extract_fake"
CALLS = Path("calls.txt")  # every computed clip leaves a line here, from whatever process


def extract_fake(clip: Clip, params: ExtractParams, folder: Path) -> dict[str, object]:
    """An episode without samples; the clip's instruction says what goes wrong."""
    info = clip.info
    with CALLS.open("a") as stream:
        stream.write(f"{info.clip_id}\n")
    if info.instruction == "fail":
        raise ExtractionError("Nothing to see.", expected="something", remedy="look elsewhere.")
    if info.instruction == "crash":
        raise ZeroDivisionError("a bug")
    row = QualityRow(
        info.clip_id, info.source, info.scene_id, info.embodiment, info.simulated,
        "rejected" if info.instruction == "reject" else "ok", n_frames=info.n_frames, licence=info.licence,
    )  # fmt: skip
    n_frames = info.n_frames
    arrays = EpisodeArrays(
        images=np.full((n_frames, 8, 8, 3), params.seed, np.uint8),
        depth_m=np.ones((n_frames, 8, 8), np.float16),
        intrinsics=np.tile(np.eye(3, dtype=np.float32), (n_frames, 1, 1)),
        camera_from_world=np.tile(np.eye(4, dtype=np.float32), (n_frames, 1, 1)),
        acceleration=np.zeros(n_frames, np.float32),
        samples=None,
    )
    sidecar = Sidecar(
        info.source, info.clip_id, info.scene_id, info.embodiment, info.instruction, info.licence,
        info.simulated, info.video_sha256, info.fps_hz, tuple(range(n_frames)),
        is_3d=True, pose_source="given", backends={}, versions={},
    )  # fmt: skip
    if row.status == "ok":
        write_episode(folder / "episode", arrays, sidecar)
    return asdict(row)


def extract_slowly(clip: Clip, params: ExtractParams, folder: Path) -> dict[str, object]:
    """The same, with half-written files lying about for a while, as a killed worker would leave them."""
    (folder / "scratch").mkdir()
    (folder / "scratch" / "depth.npy").write_bytes(b"half")
    (folder / "episode").mkdir()
    (folder / "episode" / "images.npy").write_bytes(b"half")
    time.sleep(0.08)
    shutil.rmtree(folder / "episode")
    row = extract_fake(clip, params, folder)
    time.sleep(0.04)
    return row


def make_clips(root: Path, instructions: dict[str, str]) -> None:
    """Write tiny clips `videos/<name>` and the index; a clip told "missing" is listed but absent."""
    rows = []
    for name, instruction in instructions.items():
        info = ClipInfo(name, "videos", 10.0, 3, 16, 16, instruction, "unknown", name, "CC0-1.0", "video.mkv")
        folder = root / "videos" / name
        if instruction != "missing" and not folder.exists():
            write_clip(folder, info, np.full((3, 16, 16, 3), len(name), np.uint8))
        rows.append(dataclasses.asdict(info) | {"status": "ok", "reason": ""})
    rows.append(rows[0] | {"clip_id": "unreadable", "status": "failed", "reason": "broken video"})
    pd.DataFrame(rows).to_parquet(root / "index.parquet")
