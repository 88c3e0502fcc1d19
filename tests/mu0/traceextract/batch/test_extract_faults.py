"""Extraction that is shot at: killed runs, runs beside each other, a disk that is full."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from episode_fakes import CALLS, make_clips

from benchmarks.long_clip import write_long_clip
from mu0.errors import EpisodeError
from mu0.files import sha256_of_tree
from mu0.params.extract import ExtractParams
from mu0.traceextract.batch.extract_all import extract_all
from mu0.traceextract.engine import extract_episode

RAW, OUTPUT, CACHE = Path("raw"), Path("data/out"), Path("cache")
SLOWLY = "episode_fakes:extract_slowly"
RUN = """
import sys
from pathlib import Path
from mu0.params.extract import ExtractParams
from mu0.traceextract.batch.extract_all import extract_all

if __name__ == "__main__":
    extract_all(Path("raw"), Path("data/out"), Path("cache"), ExtractParams(workers=int(sys.argv[1])),
                engine="episode_fakes:extract_slowly")
"""
PARAMS = ExtractParams(workers=1)
INSTRUCTIONS = {f"clip{number}": "reject" if number == 3 else "" for number in range(8)}


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    )
    Path("run.py").write_text(RUN)


def _start(workers: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "run.py", str(workers)], stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def _undisturbed(tmp_path: Path) -> str:
    output = tmp_path / "undisturbed"
    extract_all(RAW, output, tmp_path / "other_cache", PARAMS, engine=SLOWLY)
    CALLS.unlink()
    return sha256_of_tree(output)


def _left_behind() -> list[str]:
    """Anything beside finished entries in the cache and beside the output."""
    in_cache = [path.name for path in CACHE.iterdir() if not (path / "quality.json").exists()]
    return in_cache + [path.name for path in OUTPUT.parent.iterdir() if path != OUTPUT]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_ten_random_moments_and_resumed_gives_the_bytes_of_an_undisturbed_run(
    workers: int, tmp_path: Path
) -> None:
    make_clips(RAW, INSTRUCTIONS)
    expected = _undisturbed(tmp_path)
    rng = np.random.default_rng(workers)
    n_killed = 0
    for pause_s in rng.uniform(0.5, 2.2, 10):
        run = _start(workers)
        try:
            run.communicate(timeout=pause_s)
        except subprocess.TimeoutExpired:
            # the run alone: its workers must notice by themselves
            run.send_signal(signal.SIGKILL)
            run.communicate()
            n_killed += 1
    assert n_killed >= 1  # how many depends on the machine: a run may end before its bullet comes
    run = _start(workers)
    _, message = run.communicate(timeout=240)
    assert run.returncode == 0, message
    assert sha256_of_tree(OUTPUT) == expected
    assert _left_behind() == []


@pytest.mark.slow
def test_workers_do_not_outlive_a_killed_run() -> None:
    make_clips(RAW, INSTRUCTIONS)
    run = _start(2)
    while not CALLS.exists():
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    deadline = time.monotonic() + 60
    while _members(run.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _members(run.pid) == []


def _members(session: int) -> list[str]:
    """Processes of the session that a run started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[3] == str(session) and fields[0] != "Z":
            found.append(path.parent.name)
    return found


@pytest.mark.slow
def test_a_killed_worker_is_told_and_the_next_run_goes_on(tmp_path: Path) -> None:
    make_clips(RAW, INSTRUCTIONS)
    expected = _undisturbed(tmp_path)
    run = _start(2)
    while not CALLS.exists():
        time.sleep(0.02)
    workers = [pid for pid in _members(run.pid) if pid != str(run.pid) and b"spawn_main" in _command(pid)]
    os.kill(int(workers[-1]), signal.SIGKILL)
    _, message = run.communicate(timeout=240)
    assert run.returncode == 1
    assert "A worker process was killed while it extracted a clip." in message
    assert not OUTPUT.exists()
    extract_all(RAW, OUTPUT, CACHE, PARAMS, engine=SLOWLY)
    assert sha256_of_tree(OUTPUT) == expected
    assert _left_behind() == []


def _command(pid: str) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.slow
def test_two_runs_on_one_output_share_the_work_and_agree(tmp_path: Path) -> None:
    make_clips(RAW, INSTRUCTIONS)
    expected = _undisturbed(tmp_path)
    runs = [_start(1), _start(1)]
    for run in runs:
        _, message = run.communicate(timeout=240)
        assert run.returncode == 0, message
    assert Counter(CALLS.read_text().split()) == Counter(list(INSTRUCTIONS)), "every clip once"
    assert sha256_of_tree(OUTPUT) == expected
    assert _left_behind() == []


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """Within the block no file may grow beyond this, as if the disk were full there."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_frames", "n_bytes"),
    [(30, 50_000), (30, 1_000_000), (130, 50_000), (130, 4_000_000), (130, 7_000_000)],
)
def test_a_full_disk_is_named_whatever_file_it_hits(n_frames: int, n_bytes: int, tmp_path: Path) -> None:
    clip = write_long_clip(tmp_path / "boards" / "clip", n_frames)
    params = ExtractParams(
        n_keypoints=60, window_frames=100, future_len=40, history_len=16, lookahead_frames=40
    )
    with largest_file(n_bytes), pytest.raises(EpisodeError, match="There was no space left while writing"):
        extract_episode(clip, params, tmp_path)


@pytest.mark.slow
def test_a_full_disk_is_a_row_and_the_next_run_mends_it(tmp_path: Path) -> None:
    clips = [write_long_clip(RAW / "boards" / name, n) for name, n in (("short", 20), ("long", 60))]
    rows = [vars(clip.info) | {"status": "ok", "reason": ""} for clip in clips]
    pd.DataFrame(rows).to_parquet(RAW / "index.parquet")
    params = ExtractParams(workers=1, n_keypoints=60)
    with largest_file(60 * 128 * 128 * 3):
        totals = extract_all(RAW, OUTPUT, CACHE, params)
    assert (totals["n_ok"], totals["n_failed"]) == (1, 1)
    table = pd.read_parquet(OUTPUT / "quality.parquet").set_index("clip_id")
    assert table["reason"]["long"].startswith("EpisodeError: There was no space left while writing")
    assert _left_behind() == []
    assert extract_all(RAW, OUTPUT, CACHE, params)["n_ok"] == 2
