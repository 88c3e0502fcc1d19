"""Peak memory of extraction against clip length: one fresh process per length, synthetic RGB-D clips.

    python benchmarks/extraction_memory.py --out extraction_memory.json [--frames 500 10000]

Target: 10,000 frames need at most 1.2 times the memory of 500. Clips are 128 x 128 pixels with measured
depth and given poses (`--odometry`: estimated), boards slide before a wall and hide one another. `peak_mib`
is the largest resident set of the process (VmHWM), libraries included; `libraries_mib` is what it holds
before the clip is opened. With the default window a clip of 500 frames is already cut in two.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
from long_clip import write_long_clip

from mu0.params.extract import ExtractParams
from mu0.sources.clip.on_disk import read_clip
from mu0.traceextract.engine import extract_episode


def peak_mib() -> float:
    """Largest resident set so far."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def extract(clip_folder: Path, goal: Path, window_frames: int) -> dict[str, float]:
    """Extract a clip in this process and measure."""
    cv2.setNumThreads(1)
    clip = read_clip(clip_folder)
    libraries, started = peak_mib(), time.perf_counter()
    row = extract_episode(clip, ExtractParams(window_frames=window_frames), goal)
    seconds = time.perf_counter() - started
    assert row["status"] == "ok", row["reason"]
    return {
        "n_frames": clip.info.n_frames,
        "peak_mib": round(peak_mib(), 1),
        "libraries_mib": round(libraries, 1),
        "seconds": round(seconds, 1),
        "ms_per_frame": round(1e3 * seconds / clip.info.n_frames, 2),
        "n_rows": row["n_rows"],
        "n_tracks": row["n_points_total"],
        "episode_mib": round(sum(p.stat().st_size for p in (goal / "episode").rglob("*.*")) / 2**20, 1),
    }


def measure(
    n_frames: int, window_frames: int, size_px: tuple[int, int], folder: Path, *, odometry: bool
) -> dict[str, float]:
    """Write a clip, extract it in a fresh process, and remove both."""
    clip_folder, goal = folder / "boards" / f"c{n_frames}", folder / f"out{n_frames}"
    write_long_clip(clip_folder, n_frames, *size_px, camera_moves=odometry, has_poses=not odometry)
    goal.mkdir()
    command = [sys.executable, __file__, "--extract", str(clip_folder), str(goal)]
    command += ["--window-frames", str(window_frames)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    shutil.rmtree(clip_folder)
    shutil.rmtree(goal)
    return json.loads(done.stdout)


def main() -> None:
    """Measure all lengths and write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("extraction_memory.json"))
    parser.add_argument("--frames", type=int, nargs="+", default=[500, 10_000])
    parser.add_argument("--size", type=int, nargs=2, default=[128, 128], metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--window-frames", type=int, default=ExtractParams().window_frames)
    parser.add_argument("--odometry", action="store_true")
    parser.add_argument("--extract", type=Path, nargs=2, metavar=("CLIP", "GOAL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.extract:
        print(json.dumps(extract(*options.extract, options.window_frames)))
        return
    with tempfile.TemporaryDirectory() as folder:
        lengths = [
            measure(
                n_frames, options.window_frames, tuple(options.size), Path(folder), odometry=options.odometry
            )
            for n_frames in options.frames
        ]
    result = {
        "window_frames": options.window_frames,
        "size_px": options.size,
        "poses": "odometry" if options.odometry else "given",
        "clips": lengths,
        "ratio": round(lengths[-1]["peak_mib"] / lengths[0]["peak_mib"], 3),
    }
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
