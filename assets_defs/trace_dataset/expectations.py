"""Dataset: no scene in two splits, every split has something, statistics are finite."""

from pathlib import Path

from assets_defs.checks.params import ChecksParams
from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    finite,
    in_set,
    not_blank,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import is_true, read_table, table_of_numbers
from assets_defs.sections import section

SPLITS = ("train", "val", "test")
STATISTICS = ("delta_scale_x", "delta_scale_y", "delta_scale_z", "num_samples")
DEPTH_STATISTICS = ("depth_log_min", "depth_log_max", "depth_p1_m", "depth_p99_m", "depth_num_samples",
                    "depth_num_dirs")  # fmt: skip


def suites(root: Path) -> list[Suite]:
    """Suites about data/trace_dataset."""
    limits = section("checks", ChecksParams, root)
    folder = root / "data/trace_dataset"
    slots = read_table(
        folder / "index.parquet",
        numbers=("slot", "frame_index", "n_rows"),
        flags=("is_3d",),
        texts=("episode_id", "source", "scene_id", "split"),
    )
    splits_per_scene = slots.groupby(["source", "scene_id"])["split"].nunique()
    shares = slots.drop_duplicates(["source", "scene_id"])["split"].value_counts(normalize=True)
    share_of = {split: float(shares.get(split, 0.0)) for split in SPLITS}
    has_depth = bool(is_true(slots["is_3d"]).any())
    numbers = table_of_numbers(
        folder / "normalizer_stats.json", (*STATISTICS, *(DEPTH_STATISTICS if has_depth else ()))
    )
    if not has_depth:  # of pixels alone there are no statistics of depth
        numbers = numbers[~numbers["name"].isin(DEPTH_STATISTICS)]
    return [
        Suite("slots", slots, [
            *unique_together("episode_id", "slot"),
            *not_blank("source", "scene_id"),
            *in_set("split", list(SPLITS)),
            *in_set("is_3d", [True, False]),
            *between("n_rows", 1),
            *between("frame_index", 0),
        ]),
        Suite("splits", facts(
            largest_number_of_splits_of_a_scene=float(splits_per_scene.max()) if len(slots) else 0.0,
            **share_of,
        ), [
            *between("largest_number_of_splits_of_a_scene", 1, 1),
            *between("train", limits.min_train_share, 1.0),
            *between("test", 1e-9, 1.0),
            *between("val", 1e-9, 1.0, severity=WARNING),
        ]),
        Suite("statistics", numbers, finite("value")),
    ]  # fmt: skip
