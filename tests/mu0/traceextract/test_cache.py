"""The episode cache: its address, and locks that neither double nor block work."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from episode_fakes import make_clips

from mu0.params.extract import ExtractParams
from mu0.traceextract.cache import EpisodeCache, clip_key, code_version
from mu0.traceextract.lock import locked
from mu0.traceextract.quality_row import QualityRow

PARAMS = ExtractParams()


@pytest.fixture
def clip_folder(tmp_path: Path) -> Path:
    make_clips(tmp_path, {"a": ""})
    return tmp_path / "videos" / "a"


def test_the_address_depends_on_clip_params_and_code(clip_folder: Path) -> None:
    key = clip_key(clip_folder, PARAMS, "code")
    assert clip_key(clip_folder, PARAMS.model_copy(update={"workers": 9}), "code") == key
    assert clip_key(clip_folder, PARAMS.model_copy(update={"seed": 9}), "code") != key
    assert clip_key(clip_folder, PARAMS, "other") != key
    (clip_folder / "robot.npz").write_bytes(b"logs do not shape traces")
    assert clip_key(clip_folder, PARAMS, "code") == key
    np.savez(clip_folder / "cameras.npz", intrinsics=np.eye(3))
    assert clip_key(clip_folder, PARAMS, "code") != key


def test_the_code_version_is_a_hash() -> None:
    assert len(code_version()) == 64
    assert code_version() == code_version()


def test_an_entry_without_verdict_is_not_found(tmp_path: Path) -> None:
    cache = EpisodeCache(tmp_path)
    (tmp_path / "key" / "episode").mkdir(parents=True)
    assert cache.find("key") is None
    row = QualityRow("c", "s", "scene", "unknown", simulated=False, status="rejected", reason="too still")
    cache.store("key", row, None, None)
    assert cache.find("key") == row


def test_a_lock_excludes_and_is_released(tmp_path: Path) -> None:
    path, order = tmp_path / "a.lock", []

    def second() -> None:
        with locked(path):
            order.append("second")

    with locked(path):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.25)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert not path.exists()


def test_a_lock_is_released_when_the_work_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "a.lock"):
        raise ZeroDivisionError
    assert not (tmp_path / "a.lock").exists()


def test_the_lock_of_a_dead_owner_is_taken_over_by_exactly_one(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "a.lock", [], []
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    path.write_text(json.dumps({"pid": dead.pid, "host": os.uname().nodename, "started": "1"}))

    def work() -> None:
        with locked(path):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert most == [1] * 6


def test_a_number_that_was_used_again_does_not_own_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.write_text(json.dumps({"pid": os.getpid(), "host": os.uname().nodename, "started": "long ago"}))
    with locked(path):
        assert json.loads(path.read_text())["started"] != "long ago"
