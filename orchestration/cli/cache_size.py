"""What the caches of stages hold that nothing else does: disk that comes free if they are removed."""

import os
from collections.abc import Sequence
from pathlib import Path

CACHES = tuple(Path(".mu0_cache") / name for name in ("clips", "demonstrations", "episodes", "features"))
"""Made again whenever a stage lacks them; what they hold of earlier params or code, nobody asks for."""
BLOCK_BYTES = 512  # POSIX: the unit of st_blocks


def bytes_only_in(folders: Sequence[Path]) -> int:
    """Bytes on disk of files that have no other name; outputs are often hard links to the same bytes."""
    total = 0
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                try:
                    found = (Path(place) / name).lstat()
                except FileNotFoundError:  # a stage at work
                    continue
                total += found.st_blocks * BLOCK_BYTES if found.st_nlink == 1 else 0
    return total
