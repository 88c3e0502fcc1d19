"""Extraction of many clips: incremental, parallel, resumable, and one failure is only one."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import episode_fakes
import pandas as pd
import pytest
from episode_fakes import CALLS, ENGINE, make_clips

from mu0.episodes.read import list_episodes
from mu0.errors import EpisodeError
from mu0.files import sha256_of_tree
from mu0.params.extract import ExtractParams
from mu0.traceextract.batch.extract_all import extract_all

PARAMS = ExtractParams(workers=1)
RAW, OUTPUT, CACHE = Path("raw"), Path("out"), Path("cache")


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _run(params: ExtractParams = PARAMS) -> dict[str, object]:
    return extract_all(RAW, OUTPUT, CACHE, params, engine=ENGINE)


def _computed() -> list[str]:
    names = CALLS.read_text().split() if CALLS.exists() else []
    CALLS.unlink(missing_ok=True)
    return sorted(names)


def test_every_usable_clip_becomes_one_row_and_the_counts_add_up() -> None:
    make_clips(RAW, {"a": "", "b": "fail", "c": "reject", "d": "crash", "e": "missing", "f": ""})
    totals = _run()
    table = pd.read_parquet(OUTPUT / "quality.parquet")
    assert list(table["clip_id"]) == list("abcdef")
    assert list(table["status"]) == ["ok", "failed", "rejected", "failed", "failed", "ok"]
    assert (totals["n_clips"], totals["n_ok"], totals["n_failed"], totals["n_rejected"]) == (6, 2, 3, 1)
    assert list_episodes(OUTPUT) == [OUTPUT / "videos/a", OUTPUT / "videos/f"]
    assert table["reason"][1] == "ExtractionError: Nothing to see."
    assert table["reason"][3] == "unexpected ZeroDivisionError: a bug"
    assert "seconds_per_frame" not in table.columns


def test_a_second_run_computes_nothing_and_a_new_clip_computes_one() -> None:
    make_clips(RAW, {"a": "", "b": "", "c": "reject"})
    _run()
    assert _computed() == ["a", "b", "c"]
    before = sha256_of_tree(OUTPUT)
    assert _run()["n_computed"] == 0
    assert _computed() == []
    assert sha256_of_tree(OUTPUT) == before
    make_clips(RAW, {"a": "", "b": "", "c": "reject", "d": ""})
    assert _run()["n_from_cache"] == 3
    assert _computed() == ["d"]


def test_a_removed_clip_leaves_the_output() -> None:
    make_clips(RAW, {"a": "", "b": ""})
    _run()
    make_clips(RAW, {"b": ""})
    _run()
    assert list_episodes(OUTPUT) == [OUTPUT / "videos/b"]


def test_a_failed_clip_is_tried_again() -> None:
    make_clips(RAW, {"a": "", "b": "fail"})
    _run()
    _computed()
    _run()
    assert _computed() == ["b"]


def test_changed_parameters_and_code_compute_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    make_clips(RAW, {"a": ""})
    _run()
    assert _run(PARAMS.model_copy(update={"seed": 7}))["n_computed"] == 1
    monkeypatch.setattr("mu0.traceextract.batch.extract_all.code_version", lambda: "other code")
    assert _run()["n_computed"] == 1


def test_the_output_shares_its_bytes_with_the_cache() -> None:
    make_clips(RAW, {"a": ""})
    _run()
    assert (OUTPUT / "videos/a/images.npy").stat().st_nlink == 2


def test_a_full_disk_fails_the_clip_and_the_next_run_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    make_clips(RAW, {"a": "", "b": ""})
    write = episode_fakes.write_episode

    def full_for_b(folder: Path, arrays: object, sidecar: object) -> None:
        if sidecar.clip_id == "b":  # type: ignore[attr-defined]
            raise EpisodeError("There was no space left.", expected="space", remedy="free some.")
        write(folder, arrays, sidecar)  # type: ignore[arg-type]

    monkeypatch.setattr(episode_fakes, "write_episode", full_for_b)
    assert _run()["n_failed"] == 1
    assert [path.name for path in list_episodes(OUTPUT)] == ["a"]
    _computed()
    monkeypatch.setattr(episode_fakes, "write_episode", write)
    assert _run()["n_ok"] == 2
    assert _computed() == ["b"]


def test_without_any_usable_clip_the_table_is_empty_but_has_its_columns() -> None:
    make_clips(RAW, {"a": ""})
    index = pd.read_parquet(RAW / "index.parquet")
    index[index["status"] == "failed"].to_parquet(RAW / "index.parquet")
    assert _run()["n_clips"] == 0
    table = pd.read_parquet(OUTPUT / "quality.parquet")
    assert len(table) == 0
    assert {"clip_id", "coverage", "static_jitter_m", "licence"} <= set(table.columns)


@pytest.mark.slow
def test_the_number_of_workers_does_not_change_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    make_clips(RAW, {"a": "", "b": "fail", "c": "", "d": "reject", "e": "crash"})
    _run()
    before = sha256_of_tree(OUTPUT)
    extract_all(RAW, OUTPUT, Path("cache2"), PARAMS.model_copy(update={"workers": 2}), engine=ENGINE)
    assert sha256_of_tree(OUTPUT) == before


INTERRUPTED = """
import signal, sys, time
from pathlib import Path

def interrupted(*_):
    Path("interrupted").touch()
    raise KeyboardInterrupt

signal.signal(signal.SIGINT, interrupted)  # a test run in the background ignores it
sys.path.insert(0, {folder!r})
import episode_fakes
from mu0.params.extract import ExtractParams
from assets_defs.entry import run_stage
from mu0.traceextract.batch.extract_all import extract_all

def slow(clip, params, folder):
    if len(list(Path("cache").glob("*/quality.json"))) == 2:
        Path("third").touch()
        time.sleep(600)
    return episode_fakes.extract_fake(clip, params, folder)

episode_fakes.slow = slow
run_stage(lambda: extract_all(Path("raw"), Path("out"), Path("cache"), ExtractParams(workers=1),
                              engine="episode_fakes:slow"))
"""


@pytest.mark.slow
def test_ctrl_c_keeps_finished_clips_does_not_wait_for_the_others_and_the_next_run_goes_on() -> None:
    names = {f"clip{i}": "" for i in range(8)}
    make_clips(RAW, names)
    code = INTERRUPTED.format(folder=str(Path(__file__).parent))
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    while not Path("third").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Finished work is kept" in message
    assert not OUTPUT.exists()
    done = _computed()
    assert len(done) == 2
    assert _run()["n_from_cache"] == 2
    assert sorted([*done, *_computed()]) == sorted(names)
