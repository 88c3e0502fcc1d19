"""What the machine lacks is no entry's fault, whoever says so."""

import errno

import av
import pytest

from mu0.errors import SourceError
from mu0.sources.faults import fault_of


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EMFILE])
def test_a_full_disk_is_raised_from_the_system_and_from_ffmpeg(number: int) -> None:
    with pytest.raises(OSError, match="Errno"):
        fault_of(OSError(number, "no"), "clip")
    with pytest.raises(av.error.FFmpegError) as caught:
        av.error.err_check(-number)
    with pytest.raises(OSError, match="Errno"):
        fault_of(caught.value, "clip")


def test_damaged_data_are_the_entrys_fault() -> None:
    with pytest.raises(av.error.FFmpegError) as caught:
        av.error.err_check(-errno.EINVAL)
    assert isinstance(fault_of(caught.value, "clip"), SourceError)
