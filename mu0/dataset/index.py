"""The index: what can be learned from, frame by frame and episode by episode, and why the rest cannot.

`index.parquet`     episode_id, source, scene_id, split, slot, frame_index, n_rows, is_3d
`episodes.parquet`  episode_id, source, scene_id, split, embodiment, simulated, is_3d, n_slots, n_rows,
status, reason

`slot` is the place of the frame among the episode's anchors and `n_rows` counts the rows that may be drawn
(`mu0.dataset.rows`), which can be fewer than are stored.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mu0.dataset.rows import WindowShape, check_columns, eligible_rows
from mu0.dataset.splits import SPLITS, assign_splits
from mu0.episodes.read import Episode, read_episode
from mu0.errors import DatasetError, EpisodeError
from mu0.progress import track

USED = "used"
UNUSED = "unused"
SLOT_COLUMNS = ("episode_id", "source", "scene_id", "split", "slot", "frame_index", "n_rows", "is_3d")
NOTHING_EXTRACTED = "not extracted: "


@dataclass(frozen=True)
class DatasetIndex:
    """The two tables of the trace dataset."""

    slots: pd.DataFrame
    episodes: pd.DataFrame

    def summary(self) -> dict[str, Any]:
        """Counts by split, by source and by reason."""
        used = self.episodes[self.episodes["status"] == USED]
        unused = self.episodes[self.episodes["status"] != USED]
        per_split = {
            split: {
                "n_scenes": int(rows.drop_duplicates(["source", "scene_id"]).shape[0]),
                "n_episodes": len(rows),
                "n_slots": int(rows["n_slots"].sum()),
                "n_rows": int(rows["n_rows"].sum()),
            }
            for split in SPLITS
            for rows in [used[used["split"] == split]]
        }
        per_source = {
            str(source): {split: int((rows["split"] == split).sum()) for split in SPLITS}
            for source, rows in used.groupby("source")
        }
        return {
            "n_episodes": len(used),
            "n_slots": len(self.slots),
            "n_3d_episodes": int(used["is_3d"].sum()),
            "splits": per_split,
            "episodes_per_source": per_source,
            "unused": {str(reason): int(n) for reason, n in unused["reason"].value_counts().items()},
        }


def build_index(
    quality: pd.DataFrame,
    episodes_root: Path,
    shape: WindowShape,
    *,
    val_share: float,
    test_share: float,
    seed: int,
) -> DatasetIndex:
    """Look at every extracted episode and decide what is learned from and in which split.

    Args:
        quality: `quality.parquet` of the extraction, one row per clip.
        episodes_root: Folder that holds `<source>/<clip_id>`.
        shape: Length of the windows.
        val_share: See `mu0.dataset.splits`.
        test_share: See `mu0.dataset.splits`.
        seed: Seed of the split.

    Raises:
        DatasetError: Nothing can be trained on; the message counts the reasons.
    """
    episodes, slots = [], []
    ordered = quality.sort_values(["source", "clip_id"])
    for clip in track(ordered.to_dict("records"), "index of episodes"):
        row, table = _index_clip(clip, episodes_root, shape)
        episodes.append(row)
        slots.append(table)
    table = pd.DataFrame(episodes)
    used = table[table["status"] == USED] if len(table) else table
    if not len(used):
        raise _nothing_to_train_on(table)
    splits = assign_splits(used, val_share=val_share, test_share=test_share, seed=seed)
    all_slots = pd.concat([part for part in slots if len(part)], ignore_index=True)
    for frame in (table, all_slots):
        frame["split"] = [splits.get(key) for key in zip(frame["source"], frame["scene_id"], strict=True)]
    table.loc[table["status"] != USED, "split"] = None
    return DatasetIndex(all_slots[list(SLOT_COLUMNS)], table)


def _index_clip(
    clip: dict[Any, Any], episodes_root: Path, shape: WindowShape
) -> tuple[dict[str, Any], pd.DataFrame]:
    episode_id = f"{clip['source']}/{clip['clip_id']}"
    row: dict[str, Any] = {
        "episode_id": episode_id,
        "source": clip["source"],
        "scene_id": clip["scene_id"],
        "split": None,
        "embodiment": clip["embodiment"],
        "simulated": clip["status"] == "ok" and bool(clip["simulated"]),
        "is_3d": clip["status"] == "ok" and bool(clip["is_3d"]),
        "n_slots": 0,
        "n_rows": 0,
        "status": UNUSED,
        "reason": "",
    }
    empty = pd.DataFrame(columns=SLOT_COLUMNS)
    if clip["status"] != "ok":
        return {**row, "reason": f"{NOTHING_EXTRACTED}{clip['status']}"}, empty
    try:
        slots = _index_episode(read_episode(episodes_root / episode_id), shape, episode_id)
    except EpisodeError as error:
        return {**row, "reason": f"unreadable: {error.found}"}, empty
    if not len(slots):
        return {**row, "reason": f"no frame has a keypoint with {shape.min_future_steps} future steps"}, empty
    slots = slots.assign(
        episode_id=episode_id, source=row["source"], scene_id=row["scene_id"], split=None, is_3d=row["is_3d"]
    )
    counts = {"n_slots": len(slots), "n_rows": int(slots["n_rows"].sum())}
    return {**row, **counts, "status": USED}, slots


def _index_episode(episode: Episode, shape: WindowShape, episode_id: str) -> pd.DataFrame:
    """slot, frame_index and n_rows of the usable anchors of one episode."""
    samples = episode.samples
    if samples is None or samples.n_slots == 0:
        return pd.DataFrame({"slot": [], "frame_index": [], "n_rows": []})
    check_columns(samples, shape, episode_id)
    eligible = eligible_rows(samples, episode.size_px, shape)
    before = np.concatenate([[0], np.cumsum(eligible)])
    n_rows = before[samples.offsets[1:]] - before[samples.offsets[:-1]]
    slot = np.flatnonzero(n_rows)
    return pd.DataFrame(
        {"slot": slot, "frame_index": np.asarray(samples.frame_indices)[slot], "n_rows": n_rows[slot]}
    )


def _nothing_to_train_on(episodes: pd.DataFrame) -> DatasetError:
    if len(episodes):
        counts = episodes["reason"].value_counts()
        reasons = "; ".join(f"{n} x {reason}" for reason, n in counts.items())
    else:
        reasons = "quality.parquet has no row"
    return DatasetError(
        f"None of {len(episodes)} episodes can be trained on: {reasons}.",
        expected="at least one episode with keypoints that move",
        remedy="read the `reason` column of data/extracted_traces/quality.parquet and add or repair videos.",
    )


def read_slots(path: Path) -> pd.DataFrame:
    """Read `index.parquet`.

    Raises:
        DatasetError: It is missing or is not such a table.
    """
    try:
        table = pd.read_parquet(path)
    except (FileNotFoundError, OSError, ValueError) as error:
        raise DatasetError(
            f"{path} cannot be read: {error}.",
            expected="the index that the stage trace_dataset writes",
            remedy="run `dvc repro trace_dataset`.",
        ) from error
    if missing := [name for name in SLOT_COLUMNS if name not in table]:
        raise DatasetError(
            f"{path} lacks the columns {', '.join(missing)}.",
            expected=f"the columns {', '.join(SLOT_COLUMNS)}",
            remedy="run `dvc repro --force trace_dataset`.",
        )
    return table
