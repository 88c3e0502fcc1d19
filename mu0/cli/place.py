"""The folder that a command writes to: made before the work begins, gone again where nothing came of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def place_for(out: Path) -> Iterator[Path]:
    """Make the folder `out` before the work begins, and take it away again where nothing came of it.

    Raises:
        OSError: It cannot be written to.
    """
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
        yield out
    finally:
        for folder in made:
            with suppress(OSError):  # not empty: something came of it
                folder.rmdir()
