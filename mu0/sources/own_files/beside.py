"""What lies in a clip's folder, or beside a video, and was not used: told in the clip's row.

A file that was overlooked (poses under another name, a second camera, a scale) looks like a file that was
read, unless somebody says so.
"""

import re
from collections.abc import Iterable
from pathlib import Path

MOST_NAMES = 8
OF_NO_DATA = re.compile(r"readme.*|licen[cs]e.*|.*\.md|.*\.dvc|thumbs\.db|desktop\.ini", re.IGNORECASE)


def not_used(folder: Path, used: Iterable[Path]) -> str:
    """A note that names the entries of `folder` that are not used and hold nothing that is; empty if none.

    Args:
        folder: The clip's folder.
        used: Files and folders that were read.
    """
    known = set(used)
    known |= {parent for path in known for parent in path.parents}
    left = [path for path in sorted(folder.iterdir()) if path not in known and not _says_no_data(path)]
    return told([f"{path.name}/" if path.is_dir() else path.name for path in left])


def told(names: list[str]) -> str:
    """The note about names that were not used."""
    if not names:
        return ""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"not used: {', '.join(names[:MOST_NAMES])}{more}"


def _says_no_data(path: Path) -> bool:
    return path.name.startswith(".") or bool(OF_NO_DATA.fullmatch(path.name))
