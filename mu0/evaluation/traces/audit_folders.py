"""All episodes that have an exact truth beside them, audited, and their means by source."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mu0.episodes.read import list_episodes, read_episode
from mu0.evaluation.traces.audit import Truth, audit_episode
from mu0.progress import track

COLUMNS = ["episode_id", "source", "n_tracks", "n_audited"]  # of an audit of nothing


def audit_folders(episodes: Path, truths: Path, most: int) -> pd.DataFrame:
    """Audit up to `most` episodes of each source that have a truth.

    Args:
        episodes: Episodes by source and clip.
        truths: Exact tracks, `<source>/<clip>.npz`.
        most: Episodes of a source.

    Returns:
        A row per episode.
    """
    rows = []
    for source in sorted({folder.parent for folder in list_episodes(episodes)}):
        pairs = [(folder, truths / source.name / f"{folder.name}.npz") for folder in list_episodes(source)]
        pairs = [(folder, truth) for folder, truth in pairs if truth.exists()][:most]
        rows += [
            audit_episode(read_episode(folder), read_truth(truth))
            for folder, truth in track(pairs, f"audit {source.name}")
        ]
    return pd.DataFrame(rows, columns=None if rows else COLUMNS)


def read_truth(path: Path) -> Truth:
    """The exact tracks of one clip."""
    with np.load(path, allow_pickle=False) as arrays:
        return Truth(*(arrays[n] for n in ("points_world", "visible", "camera_from_world", "intrinsics")))


def summarize(table: pd.DataFrame) -> dict[str, dict[Any, float | None]]:
    """Means over episodes by source; None where nothing could be compared."""
    return {
        str(source): {
            "n_episodes": len(part),
            **{k: None if pd.isna(v) else float(v) for k, v in part.mean(numeric_only=True).items()},
        }
        for source, part in table.groupby("source")
    }
