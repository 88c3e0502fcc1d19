"""A lock file that a killed DVC left half-written does not stop the next command."""

from pathlib import Path

import pytest
from dvc.lock import make_lock

from orchestration.running.dvc_locks import mend_locks

GOOD = '{"write": {}, "read": {}}'


@pytest.mark.parametrize("content", ["", '{"write": {"data/num', "[]]"])
def test_half_a_file_is_removed(content: str, tmp_path: Path) -> None:
    (tmp_path / "rwlock").write_text(content)
    assert mend_locks(tmp_path)
    assert not (tmp_path / "rwlock").exists()


def test_a_whole_file_and_no_file_are_left_alone(tmp_path: Path) -> None:
    assert not mend_locks(tmp_path)
    (tmp_path / "rwlock").write_text(GOOD)
    assert not mend_locks(tmp_path)
    assert (tmp_path / "rwlock").read_text() == GOOD


@pytest.mark.slow
def test_a_file_that_somebody_is_writing_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "rwlock").write_text("")
    with make_lock(str(tmp_path / "rwlock.lock"), tmp_dir=str(tmp_path)):
        assert not mend_locks(tmp_path)
    assert (tmp_path / "rwlock").exists()
