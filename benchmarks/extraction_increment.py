"""What one more video costs, and what a second worker gains.

    python benchmarks/extraction_increment.py --out extraction_increment.json

Increment: 100 tiny clips are extracted, then one is added and the run repeated. Exactly one clip may be
computed; `added_share` is the time of the second run over that of the first. Workers: the same clips from an
empty cache with one worker and with two; `speed_up` counts the start of the worker processes. Nothing else
should run meanwhile.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from long_clip import Board, to_and_fro, write_long_clip

from mu0.params.extract import ExtractParams
from mu0.sources.clip.on_disk import ClipInfo
from mu0.traceextract.batch.extract_all import extract_all


def write_clips(raw: Path, count: int, n_frames: int) -> None:
    """`count` clips that differ, and the index; clips that exist stay."""
    infos: list[ClipInfo] = []
    for number in range(count):
        folder = raw / "boards" / f"clip{number:04d}"
        board = Board(0.8, 0.25, to_and_fro(0.1, 0.05, 0.08 + 0.001 * number, 20), number)
        if not folder.exists():
            write_long_clip(folder, n_frames, 96, 96, boards=(board,))
        infos.append(ClipInfo(**json.loads((folder / "clip.json").read_text())))
    rows = [vars(info) | {"status": "ok", "reason": ""} for info in infos]
    pd.DataFrame(rows).to_parquet(raw / "index.parquet")


def timed(raw: Path, folder: Path, workers: int) -> dict[str, Any]:
    """Run the extraction and time it."""
    started = time.perf_counter()
    totals = extract_all(raw, folder / "out", folder / "cache", ExtractParams(workers=workers))
    return {"seconds": round(time.perf_counter() - started, 2), "n_computed": totals["n_computed"],
            "n_from_cache": totals["n_from_cache"], "n_ok": totals["n_ok"]}  # fmt: skip


def main() -> None:
    """Measure and write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("extraction_increment.json"))
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--frames", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw = folder / "raw"
        write_clips(raw, options.clips, options.frames)
        two = timed(raw, folder / "two", 2)
        one = timed(raw, folder / "one", 1)
        write_clips(raw, options.clips + 1, options.frames)
        added = timed(raw, folder / "one", 1)
        again = timed(raw, folder / "one", 1)
    result = {
        "clips": options.clips,
        "frames_per_clip": options.frames,
        "one_worker": one,
        "two_workers": two,
        "speed_up": round(one["seconds"] / two["seconds"], 2),
        "one_clip_added": added,
        "added_share": round(added["seconds"] / one["seconds"], 4),
        "nothing_new": again,
    }
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
