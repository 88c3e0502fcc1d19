"""One row per episode of a folder: what is there, without reading a single frame.

Columns
    episode        path below the folder
    layout         official, legacy, traceforge
    status         "ok", or "unreadable" with the reason; `mu0 validate` looks deeper
    n_frames, width_px, height_px, n_slots, n_rows
    is_3d, has_depth, has_cameras, has_history, has_captions, has_clock, has_track_ids, has_confidence
    has_resting, mode, source, instruction, embodiment, licence, simulated, fps_hz, pose_source, video_sha256
"""

from pathlib import Path
from typing import Any

import pandas as pd

from mu0.episodes.layouts.convert import open_view
from mu0.episodes.layouts.instructions import CAPTIONS_NAME
from mu0.episodes.layouts.kinds import Layout, require_episodes
from mu0.episodes.resting import RestingRows
from mu0.episodes.write import EXTRAS_FOLDER
from mu0.errors import Mu0Error
from mu0.files import atomic_file
from mu0.progress import track

COLUMNS = {
    "episode": "str",
    "layout": "str",
    "status": "str",
    "reason": "str",
    "n_frames": "int64",
    "width_px": "int64",
    "height_px": "int64",
    "n_slots": "int64",
    "n_rows": "int64",
    **dict.fromkeys(
        (
            "is_3d",
            "has_depth",
            "has_cameras",
            "has_history",
            "has_captions",
            "has_clock",
            "has_track_ids",
            "has_confidence",
            "has_resting",
        ),
        "bool",
    ),
    **dict.fromkeys(("mode", "source", "instruction", "embodiment", "licence"), "str"),
    "simulated": "bool",
    "fps_hz": "float64",
    "pose_source": "str",
    "video_sha256": "str",
}
EMPTY = {"str": "", "int64": 0, "bool": False, "float64": 0.0}


def episode_table(root: Path) -> pd.DataFrame:
    """A row for every episode in or below `root`, sorted; unreadable ones are rows with their reason.

    Raises:
        EpisodeError: There is no episode.
    """
    rows = []
    for folder, layout in track(require_episodes(root), "indexing episodes"):
        row: dict[str, Any] = {name: EMPTY[kind] for name, kind in COLUMNS.items()}
        name = folder.relative_to(root).as_posix() if folder != root else folder.resolve().name
        row |= {"episode": name, "layout": layout, "status": "ok"}
        try:
            row |= _describe(folder, layout)
        except Mu0Error as error:
            row |= {"status": "unreadable", "reason": error.found}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def write_episode_table(root: Path, goal: Path) -> pd.DataFrame:
    """Write the table of `root` as parquet, or as CSV if `goal` ends so; errors as `episode_table`."""
    table = episode_table(root)
    with atomic_file(goal) as temporary:
        if goal.suffix == ".csv":
            table.to_csv(temporary, index=False)
        else:
            table.to_parquet(temporary, index=False)
    return table


def _describe(folder: Path, layout: Layout) -> dict[str, Any]:
    view = open_view(folder, layout)
    sidecar = view.sidecar()
    extras = {path.stem for path in (folder / EXTRAS_FOLDER).glob("*.npy")}
    return {
        "n_frames": view.n_frames,
        "height_px": view.size_px[0],
        "width_px": view.size_px[1],
        "n_slots": len(view.anchors),
        "n_rows": view.n_rows,
        "is_3d": sidecar.is_3d,
        "has_depth": view.has_depth,
        "has_cameras": "cameras" not in view.absent,
        "has_history": "history" not in view.absent,
        "has_captions": (folder / CAPTIONS_NAME).exists() or (folder / "curated" / CAPTIONS_NAME).exists(),
        "has_clock": sidecar.retiming is not None,
        "has_track_ids": "track_ids" in extras or sidecar.retiming is not None,
        "has_confidence": "confidence" in extras,
        "has_resting": (folder / EXTRAS_FOLDER / RestingRows.FOLDER).is_dir(),
        "instruction": next(iter(view.instructions()), ""),
        **{
            name: getattr(sidecar, name)
            for name in ("mode", "source", "embodiment", "licence", "simulated", "fps_hz", "pose_source")
        },
        "video_sha256": sidecar.video_sha256,
    }
