"""Arrays too large for memory lie in a file whose room is reserved: a full disk is an error, not a crash."""

import errno
import os

import numpy as np
import pytest

from mu0.dataset import store


def test_a_large_array_is_a_file_of_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MEMORY_BYTES", 100)
    large = store._array((50, 3), np.float16)
    assert isinstance(large, np.memmap)
    assert not large.any()
    assert not isinstance(store._array((50,), np.float16), np.memmap)


def test_no_room_for_it_names_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "MEMORY_BYTES", 0)
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(OSError, match="No space left") as caught:
        store._array((50,), np.float16)
    assert caught.value.filename == store.tempfile.gettempdir()
