"""The environment in which commands of the chain run."""

import os
import sys
from pathlib import Path


def environment() -> dict[str, str]:
    """That of stage commands: this interpreter first on PATH, no call home."""
    own_bin = str(Path(sys.executable).parent)
    return os.environ | {
        "PATH": os.pathsep.join([own_bin, os.environ.get("PATH", "")]),
        "DVC_NO_ANALYTICS": "1",
        "PYTHONUNBUFFERED": "1",
    }
