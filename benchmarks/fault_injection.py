"""Kill -9 at random moments of a real extraction, then resume: the bytes must be those of a calm run.

    python benchmarks/fault_injection.py --out fault_injection.json [--kills 10] [--clips 12] [--workers 2]

Synthetic RGB-D clips go through `extract_all` with the real engine, once undisturbed and once killed again
and again (parent and workers at once) before it is let through. A kill counts as live if the run had begun to
extract and was not done; a run that got through is put aside and the next begins anew. What must hold: equal
bytes, and no work folder left. The code must not change meanwhile: it is part of every episode's address.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from extraction_increment import write_clips

SHORTEST_LIFE_S = 1.0  # of a run: before that nothing but imports happens
WORKER_CODE = """
import sys
from pathlib import Path
from mu0.params.extract import ExtractParams
from mu0.traceextract.batch.extract_all import extract_all

if __name__ == "__main__":
    raw, out, cache, workers = sys.argv[1:]
    params = ExtractParams(workers=int(workers))
    print(extract_all(Path(raw), Path(out), Path(cache), params)["n_computed"])
"""


def start(folder: Path, name: str, workers: int) -> "subprocess.Popen[str]":
    """A run of its own process group."""
    script = folder / "extract.py"
    script.write_text(WORKER_CODE)
    places = [folder / "raw", folder / name / "out", folder / name / "cache"]
    (folder / name).mkdir(exist_ok=True)
    command = [sys.executable, str(script), *map(str, places), str(workers)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )


def finish(folder: Path, name: str, workers: int) -> tuple[int, float]:
    """Let a run through; how many clips it computed, and its seconds."""
    started = time.perf_counter()
    process = start(folder, name, workers)
    told, _ = process.communicate()
    assert process.returncode == 0
    return int(told), time.perf_counter() - started


def entries(folder: Path, name: str) -> int:
    """Finished clips in the cache."""
    return len(list((folder / name / "cache").glob("*/quality.json")))


def kill_once(folder: Path, workers: int, life_s: float) -> dict[str, Any]:
    """Start a run, kill it after `life_s`, and say what it had done."""
    before = entries(folder, "killed")
    process = start(folder, "killed", workers)
    try:
        process.communicate(timeout=life_s)
    except subprocess.TimeoutExpired:
        at_work = len(list((folder / "killed" / "cache").glob("*.work")))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    else:
        return {
            "after_s": round(life_s, 2),
            "live": False,
            "at_work": 0,
            "entries": entries(folder, "killed"),
        }
    done = entries(folder, "killed")
    is_live = at_work > 0 or done > before
    return {"after_s": round(life_s, 2), "live": is_live, "at_work": at_work, "entries": done}


def tree_hash(folder: Path) -> str:
    """Of every file below; measured seconds are left out, as no two runs share them."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.suffix != ".parquet" and path.name != "contents.json":
            digest.update(
                f"{path.relative_to(folder)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
            )
    return digest.hexdigest()


def main() -> None:
    """Kill, resume, compare, and write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("fault_injection.json"))
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clips(folder / "raw", options.clips, options.frames)
        n_calm, calm_s = finish(folder, "calm", options.workers)
        kills: list[dict[str, Any]] = []
        while sum(kill["live"] for kill in kills) < options.kills:
            if (folder / "killed" / "out").exists():
                (folder / "killed").rename(folder / f"done{len(kills)}")
            kills.append(kill_once(folder, options.workers, moments.uniform(SHORTEST_LIFE_S, calm_s)))
            print(kills[-1], flush=True)
        n_resumed, _ = finish(folder, "killed", options.workers)
        cache = folder / "killed" / "cache"
        goals = [folder / "killed" / "out", *folder.glob("done*/out")]
        hashes = {tree_hash(goal) for goal in goals}
        result = {
            "clips": options.clips,
            "calm_computed": n_calm,
            "calm_s": round(calm_s, 1),
            "kills": len(kills),
            "live_kills": sum(kill["live"] for kill in kills),
            "computed_after_last_kill": n_resumed,
            "same_bytes": hashes == {tree_hash(folder / "calm" / "out")},
            "work_folders_left": len(list(cache.glob("*.work"))),
            "runs_compared": len(goals),
            "each": kills,
        }
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result | {"each": "..."}, indent=2))
    if not result["same_bytes"] or result["work_folders_left"]:
        sys.exit("The killed run differs from the calm one.")


if __name__ == "__main__":
    main()
