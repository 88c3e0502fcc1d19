"""DVC's locks after a kill: those of the system are gone with the process, one file may be half-written.

`.dvc/tmp/rwlock` says which process reads or writes which path. DVC itself leaves out processes that have
ended, but rewrites the file in place: killed just then it leaves half a file, and refuses to work ever after.
"""

import json
from pathlib import Path


def mend_locks(folder: Path) -> bool:
    """Remove `rwlock` if it cannot be read and nobody is writing it.

    Args:
        folder: DVC's folder for temporary files.

    Returns:
        Whether there was something to mend.
    """
    if _is_readable(folder / "rwlock"):
        return False
    from dvc.lock import LockError, make_lock

    try:
        with make_lock(str(folder / "rwlock.lock"), tmp_dir=str(folder)):
            if _is_readable(folder / "rwlock"):  # another process had been writing
                return False
            (folder / "rwlock").unlink(missing_ok=True)
            return True
    except LockError:
        return False  # DVC will say who holds it


def _is_readable(path: Path) -> bool:
    try:
        json.loads(path.read_text())
    except FileNotFoundError:
        return True
    except ValueError:
        return False
    return True
