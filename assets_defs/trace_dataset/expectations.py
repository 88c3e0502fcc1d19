"""Dataset: no scene in two splits, every split has something, statistics are finite."""

from pathlib import Path

from assets_defs.checks.params import ChecksParams
from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    finite,
    has_columns,
    in_set,
    n_rows,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import read_table, table_of_numbers
from assets_defs.sections import section

SPLITS = ("train", "val", "test")


def suites(root: Path) -> list[Suite]:
    """Suites about data/trace_dataset."""
    limits = section("checks", ChecksParams, root)
    folder = root / "data/trace_dataset"
    slots = read_table(folder / "index.parquet")
    splits_per_scene = slots.groupby(["source", "scene_id"])["split"].nunique()
    shares = slots.drop_duplicates(["source", "scene_id"])["split"].value_counts(normalize=True)
    share_of = {split: float(shares.get(split, 0.0)) for split in SPLITS}
    return [
        Suite("slots", slots, [
            *has_columns("episode_id", "source", "scene_id", "split", "slot", "frame_index", "n_rows",
                         "is_3d"),
            n_rows(1),
            unique_together("episode_id", "slot"),
            in_set("split", list(SPLITS)),
            between("n_rows", 1, None),
            between("frame_index", 0, None),
        ]),
        Suite("splits", facts(
            largest_number_of_splits_of_a_scene=float(splits_per_scene.max()) if len(slots) else 0.0,
            **share_of,
        ), [
            between("largest_number_of_splits_of_a_scene", 1, 1),
            between("train", limits.min_train_share, 1.0),
            between("test", 1e-9, 1.0),
            between("val", 1e-9, 1.0, severity=WARNING),
        ]),
        Suite("statistics", table_of_numbers(folder / "normalizer_stats.json"),
              [n_rows(1), *finite("value")]),
    ]  # fmt: skip
