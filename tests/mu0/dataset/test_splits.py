"""Splits: by scene, the same for any order of rows, every source with three scenes is tested."""

import numpy as np
import pandas as pd
import pytest

from mu0.dataset.splits import assign_splits


def scenes_of(**counts: int) -> pd.DataFrame:
    rows = [{"source": source, "scene_id": f"s{i}"} for source, n in counts.items() for i in range(n)]
    return pd.DataFrame(rows)


def split(scenes: pd.DataFrame, seed: int = 0) -> dict[tuple[str, str], str]:
    return dict(assign_splits(scenes, val_share=0.1, test_share=0.15, seed=seed))


def test_shares_hold_within_every_source() -> None:
    splits = split(scenes_of(arm=120, hand=40))
    for source, n in {"arm": 120, "hand": 40}.items():
        found = [value for (name, _), value in splits.items() if name == source]
        assert (found.count("test"), found.count("val")) == (round(0.15 * n), round(0.1 * n))


@pytest.mark.parametrize(("n", "expected"), [(1, {"train"}), (2, {"train"}), (3, {"train", "val", "test"})])
def test_three_scenes_are_needed_to_hold_one_out(n: int, expected: set[str]) -> None:
    assert set(split(scenes_of(arm=n)).values()) == expected


def test_every_share_leaves_a_scene_to_train_on() -> None:
    splits = assign_splits(scenes_of(arm=3), val_share=0.9, test_share=0.9, seed=0)
    assert sorted(splits.values()) == ["test", "train", "val"]


def test_order_and_repetition_of_rows_do_not_matter() -> None:
    scenes = scenes_of(arm=30, hand=10)
    shuffled = pd.concat([scenes, scenes]).sample(frac=1, random_state=np.random.default_rng(0))
    assert split(scenes) == split(shuffled)


def test_another_source_changes_nothing_and_another_seed_does() -> None:
    alone, together = split(scenes_of(arm=30)), split(scenes_of(arm=30, hand=10))
    assert all(together[key] == value for key, value in alone.items())
    assert split(scenes_of(arm=30), seed=1) != alone
