"""Which scenes are learned from, which are watched, and which are kept for the final number.

A scene is a layout of objects that several clips may share, so windows or clips of one scene must never
fall on both sides of the border. Within each source the scenes are put in an order that only a hash
decides, and the first ones are kept for the test, the next ones for validation. A source with fewer than
three scenes is trained on only: it could not show anything.

Conventions
    a scene is the pair (source, scene_id): two sources that both call a scene "0" do not share it
    the order depends on the seed and the names only, not on files, dates or the order of rows
"""

import hashlib
from typing import Literal

import pandas as pd

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
FEWEST_SCENES_TO_SPLIT = 3


def assign_splits(
    scenes: pd.DataFrame, *, val_share: float, test_share: float, seed: int
) -> dict[tuple[str, str], Split]:
    """The split of every scene.

    Args:
        scenes: Columns `source` and `scene_id`; repeated rows are one scene.
        val_share: Share of each source's scenes for validation; at least one if the source has three.
        test_share: Share of each source's scenes for the test; at least one if the source has three.
        seed: Another seed keeps other scenes.

    Returns:
        (source, scene_id) -> split.
    """
    splits: dict[tuple[str, str], Split] = {}
    for source, rows in scenes.groupby("source", sort=True):
        names = sorted(rows["scene_id"].unique(), key=lambda name: _rank(seed, str(source), name))
        n_val, n_test = _held_out(len(names), val_share, test_share)
        for place, name in enumerate(names):
            split: Split = "test" if place < n_test else "val" if place < n_test + n_val else "train"
            splits[str(source), name] = split
    return splits


def _held_out(n_scenes: int, val_share: float, test_share: float) -> tuple[int, int]:
    """Scenes for (val, test); at least one scene is left to train on."""
    if n_scenes < FEWEST_SCENES_TO_SPLIT:
        return 0, 0
    n_test = min(max(1, round(test_share * n_scenes)), n_scenes - 2)
    n_val = min(max(1, round(val_share * n_scenes)), n_scenes - n_test - 1)
    return n_val, n_test


def _rank(seed: int, source: str, scene_id: str) -> str:
    return hashlib.sha256(f"{seed}/{source}/{scene_id}".encode()).hexdigest()
