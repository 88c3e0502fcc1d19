"""Extraction CPU time per frame, by stage of the engine, with given poses and with odometry.

    python benchmarks/extraction_speed.py --out extraction_speed.json

Targets: 50 ms per 640 x 480 frame with given poses, 200 ms with odometry, 10 ms per 128 x 128 frame; sampling
the traces of a usual clip (66 frames, every one an anchor, futures of 48, pasts of 16 steps) half a second,
7.6 ms per frame. Beside every time stands its share of the target.
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np

from mu0.params.extract import ExtractParams
from mu0.params.raw_videos import SimulatedSource
from mu0.sources.simulated import record_clip
from mu0.traceextract.backends.interfaces import Footage
from mu0.traceextract.keypoints.choice import choose
from mu0.traceextract.long_clips.following import track
from mu0.traceextract.reconstruction.depth_and_path import reconstruct_rgbd
from mu0.traceextract.samples.anchor_views import sample_traces

SIZES_PX = ((640, 480), (128, 128))
SEED = 77_000
USUAL_CLIP = ExtractParams(future_len=48, history_len=16, anchor_stride=1)
TARGET_MS = {
    "640x480, given poses": 50.0, "640x480, odometry": 200.0,
    "128x128, given poses": 10.0, "128x128, odometry": 10.0,
    "sampling": 500 / 66,
}  # fmt: skip


def measure(width_px: int, height_px: int, *, poses: bool, params: ExtractParams) -> dict[str, float]:
    """CPU milliseconds per frame of one clip, fastest of two runs."""
    source = SimulatedSource(
        kind="simulated",
        embodiment="human_hand",
        n_clips=1,
        width_px=width_px,
        height_px=height_px,
        moving_camera_share=1.0,
        seed=SEED,
    )
    clip = record_clip(source, 0)
    runs = []
    for _ in range(2):
        given = clip.camera_from_world if poses else None
        frames = np.arange(len(clip.frames))
        footage = Footage(clip.frames, clip.depth_m, clip.intrinsics, given, frames, clip.fps_hz)
        marks = [time.process_time()]
        scene = reconstruct_rgbd(footage)
        marks.append(time.process_time())
        keypoints = choose(footage, scene, params)
        marks.append(time.process_time())
        tracks = track(footage, scene, keypoints, params)
        marks.append(time.process_time())
        sample_traces(tracks, (height_px, width_px), params)
        marks.append(time.process_time())
        sample_traces(tracks, (height_px, width_px), USUAL_CLIP)
        marks.append(time.process_time())
        runs.append(1e3 * np.diff(marks) / len(frames))
    best = np.min(runs, 0)
    total_ms, usual_ms = float(best[:4].sum()), float(best[4])
    names = ("reconstruct_ms", "choose_ms", "track_ms", "sample_ms", "sample_usual_ms")
    target_ms = TARGET_MS[f"{width_px}x{height_px}, {'given poses' if poses else 'odometry'}"]
    return {
        **dict(zip(names, best.round(2).tolist(), strict=True)),
        "total_ms": round(total_ms, 2),
        "share_of_target": round(total_ms / target_ms, 2),
        "sample_usual_share_of_target": round(usual_ms / TARGET_MS["sampling"], 2),
    }


def main() -> None:
    """Measure all sizes and write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("extraction_speed.json"))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    result = {
        f"{width}x{height}, {'given poses' if poses else 'odometry'}": measure(
            width, height, poses=poses, params=ExtractParams()
        )
        for width, height in SIZES_PX
        for poses in (True, False)
    }
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
