"""The episode cache: its address, and locks that neither double nor block work."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from episode_fakes import make_clips

from mu0.file_lock import locked, locked_if_free
from mu0.params.extract import ExtractParams
from mu0.traceextract.batch.episode_cache import EpisodeCache, clip_key, code_version
from mu0.traceextract.quality.row import QualityRow

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
    with cache.work_folder("key") as work:
        cache.store("key", row, work)
    assert cache.find("key") == row


def test_a_lock_excludes_and_is_released(tmp_path: Path) -> None:
    path, order, entered = tmp_path / "a.lock", [], threading.Event()

    def second() -> None:
        with locked(path):
            entered.set()
            order.append("second")

    with locked(path):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.25)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert not path.exists()


def test_a_lock_is_released_when_the_work_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "a.lock"):
        raise ZeroDivisionError
    assert not (tmp_path / "a.lock").exists()


def test_a_lock_that_is_held_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with locked(path), locked_if_free(path) as is_ours:
        assert not is_ours
    with locked_if_free(path) as is_ours:
        assert is_ours
    assert not path.exists()


HOLD = "import sys, time; from pathlib import Path; from mu0.file_lock import locked\n"
HOLD += "with locked(Path(sys.argv[1])): print(1, flush=True); time.sleep(60)"


def test_the_lock_of_a_killed_owner_is_taken_over_by_exactly_one(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "a.lock", [], []
    owner = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    owner.stdout.readline()

    def work() -> None:
        with locked(path):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    assert most == [], "a living owner keeps its lock, however long it works"
    owner.kill()
    for thread in threads:
        thread.join(timeout=60)
    owner.communicate()
    assert most == [1] * 6


def test_what_a_killed_owner_left_is_swept_and_what_is_held_is_not(tmp_path: Path) -> None:
    cache = EpisodeCache(tmp_path)
    for key in ("dead", "alive"):
        (tmp_path / f"{key}.work").mkdir()
        (tmp_path / f"{key}.work" / "half").write_text("a file")
    (tmp_path / "old.lock").write_text("1 host")
    with cache.lock("alive"):
        cache.sweep()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["alive.lock", "alive.work"]
    cache.sweep()
    assert list(tmp_path.iterdir()) == []


def test_a_work_folder_is_empty_even_if_a_killed_owner_left_one(tmp_path: Path) -> None:
    cache = EpisodeCache(tmp_path)
    (tmp_path / "key.work").mkdir()
    (tmp_path / "key.work" / "half").write_text("a file")
    with cache.work_folder("key") as folder:
        assert list(folder.iterdir()) == []
    assert list(tmp_path.iterdir()) == []
