"""Shared arrays: written once and whole, whoever asks and whatever interrupts."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from mu0.dataset.array_files import RowsWriter, made_once, map_arrays, read_about
from mu0.errors import DatasetError

KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from mu0.dataset.array_files import RowsWriter, made_once

def make(folder):
    writer = RowsWriter(folder, 4)
    writer.append(a=np.zeros((2, 3)))
    os._exit(9)

made_once(Path(sys.argv[1]), make)
"""


def write(folder: Path) -> None:
    with RowsWriter(folder, 5) as writer:
        writer.append(a=np.arange(6, dtype=np.float16).reshape(2, 3), b=np.array([True, False]))
        writer.append(a=np.arange(9, dtype=np.float16).reshape(3, 3), b=np.array([True, True, False]))
        writer.note(what="x")


def test_rows_come_back_with_their_types(tmp_path: Path) -> None:
    arrays = map_arrays(made_once(tmp_path / "key", write))
    np.testing.assert_array_equal(
        arrays["a"], np.float16([[0, 1, 2], [3, 4, 5], [0, 1, 2], [3, 4, 5], [6, 7, 8]])
    )
    assert arrays["a"].dtype == np.float16
    np.testing.assert_array_equal(arrays["b"], [True, False, True, True, False])
    assert not arrays["a"].flags.writeable
    assert read_about(tmp_path / "key") == {"what": "x"}


def test_views_are_written_in_c_order(tmp_path: Path) -> None:
    rows = np.arange(24).reshape(4, 2, 3)
    with RowsWriter(tmp_path, 2) as writer:
        writer.append(a=rows[::2].transpose(0, 2, 1))
    np.testing.assert_array_equal(map_arrays(tmp_path)["a"], rows[::2].transpose(0, 2, 1))


@pytest.mark.parametrize(
    "rows", [[np.zeros((2, 3))], [np.zeros((5, 3)), np.zeros((1, 3))], [np.zeros((4, 3)), np.zeros((1, 2))]]
)
def test_rows_that_do_not_fit_are_refused(tmp_path: Path, rows: list[np.ndarray]) -> None:
    def write_all() -> None:
        with RowsWriter(tmp_path, 5) as writer:
            for each in rows:
                writer.append(a=each)

    with pytest.raises(DatasetError):
        write_all()


def test_those_who_ask_at_a_time_make_it_once(tmp_path: Path) -> None:
    made, both = [], Barrier(2)

    def make(folder: Path) -> None:
        made.append(1)
        write(folder)

    def ask(_: int) -> Path:
        both.wait()
        return made_once(tmp_path / "key", make)

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(ask, range(2))) == {tmp_path / "key"}
    assert made == [1]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        made_once(tmp_path / "key", lambda folder: RowsWriter(folder, 1).__exit__(None, None, None))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_a_killed_maker_left_is_never_read_and_is_swept(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "key")], check=False)
    assert done.returncode == 9
    assert not (tmp_path / "key").exists()
    assert any(path.name.startswith(".key.") for path in tmp_path.iterdir())
    arrays = map_arrays(made_once(tmp_path / "key", write))
    assert len(arrays["a"]) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
