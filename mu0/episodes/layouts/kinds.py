"""Which layout is this folder, and which episodes lie below it?"""

import re
from pathlib import Path
from typing import Literal, get_args

from mu0.episodes.layouts.npz import npz_headers
from mu0.errors import EpisodeError

Layout = Literal["official", "legacy", "traceforge"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
IMAGES_ARRAY = "images.npy"
INSTRUCTIONS_NAME = "three_instructions.json"
ONLY_TRACEEXTRACT = {"cluster_ids", "is_moving", "visibs", "traj_history", "raw_traj", "is_task_relevant"}
FRAME_NAME = re.compile(r"(?P<video>.+)_(?P<frame>\d{1,9})")


def layout_of(folder: Path) -> Layout | None:
    """The layout of an episode folder; None if it holds no episode.

    A per-frame folder is TraceForge's if it has three_instructions.json, or if its first readable sample
    holds nothing that only TraceExtract stores.
    """
    images = folder / IMAGES_ARRAY
    if images.exists() or images.is_symlink():  # a link that leads nowhere is a fault to be told
        return "official"
    samples = sorted((folder / "samples").glob("*.npz")) if (folder / "samples").is_dir() else []
    if not samples:
        return None
    if (folder / INSTRUCTIONS_NAME).exists():
        return "traceforge"
    for sample in samples:
        try:
            keys = npz_headers(sample).keys()
        except EpisodeError:
            continue
        return "legacy" if keys & ONLY_TRACEEXTRACT else "traceforge"
    return "legacy"


def find_episodes(root: Path) -> list[tuple[Path, Layout]]:
    """Every episode in or below `root`, of any layout, sorted by path; hidden folders are left out."""
    if (layout := layout_of(root)) is not None:
        return [(root, layout)]
    folders = {path.parent for name in (IMAGES_ARRAY, "samples") for path in root.rglob(name)}
    shown = {
        folder
        for folder in folders
        if not any(part.startswith(".") for part in folder.relative_to(root).parts)
    }
    found = ((folder, layout_of(folder)) for folder in sorted(shown))
    return [(folder, layout) for folder, layout in found if layout is not None]


def require_episodes(root: Path) -> list[tuple[Path, Layout]]:
    """`find_episodes`, of which there must be one.

    Raises:
        EpisodeError: There is none.
    """
    found = find_episodes(root) if root.is_dir() else []
    if not found:
        what = f"There is no episode in {root}." if root.is_dir() else f"There is no folder {root}."
        raise EpisodeError(
            what,
            expected="a folder with images.npy, or with images/ and samples/*.npz, or folders of them",
            remedy="check the path; `mu0 extract VIDEO` makes an episode of a video.",
        )
    return found
