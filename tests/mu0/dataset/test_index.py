"""The index: which frames count, why clips do not, and what is said when nothing is left."""

from pathlib import Path

import pandas as pd
import pytest

from mu0.dataset.index import build_index, read_slots
from mu0.dataset.rows import WindowShape
from mu0.errors import DatasetError
from tests.mu0.dataset.tiny_dataset import SHAPE, TinyDataset

SHARES = {"val_share": 0.1, "test_share": 0.15, "seed": 0}


def test_rows_count_that_can_be_drawn(tiny: TinyDataset) -> None:
    index = build_index(tiny.quality, tiny.episodes, SHAPE, **SHARES)
    # rows have 15, 12, 9, 6 and 3 valid steps after the anchor; 5 are needed
    assert set(index.slots["n_rows"]) == {4}
    assert list(index.slots["frame_index"][:3]) == [1, 2, 4]
    assert len(index.slots) == 9 * 3


def test_windows_of_a_scene_share_a_split_and_every_split_is_there(tiny: TinyDataset) -> None:
    slots = build_index(tiny.quality, tiny.episodes, SHAPE, **SHARES).slots
    assert (slots.groupby(["source", "scene_id"])["split"].nunique() == 1).all()
    assert set(slots["split"]) == {"train", "val", "test"}
    assert set(slots[slots["source"] == "phone"]["split"]) == {"train"}


def test_summary_counts_what_is_left_out_by_reason(tiny: TinyDataset) -> None:
    summary = build_index(tiny.quality, tiny.episodes, SHAPE, **SHARES).summary()
    assert summary["unused"] == {"not extracted: failed": 1}
    assert (summary["n_episodes"], summary["n_slots"], summary["n_3d_episodes"]) == (9, 27, 8)
    assert sum(split["n_slots"] for split in summary["splits"].values()) == 27


def test_nothing_to_train_on_names_the_counts(tiny: TinyDataset) -> None:
    failed = tiny.quality.assign(status="rejected")
    with pytest.raises(
        DatasetError, match=r"None of 10 episodes can be trained on: 10 x not extracted: rejected"
    ):
        build_index(failed, tiny.episodes, SHAPE, **SHARES)
    with pytest.raises(DatasetError, match=r"9 x no frame has a keypoint with 16 future steps"):
        build_index(tiny.quality, tiny.episodes, WindowShape(4, 12, min_future_steps=16), **SHARES)
    with pytest.raises(DatasetError, match=r"None of 0 episodes .* quality.parquet has no row"):
        build_index(tiny.quality.iloc[:0], tiny.episodes, SHAPE, **SHARES)


def test_too_short_traces_name_both_lengths(tiny: TinyDataset) -> None:
    with pytest.raises(DatasetError, match=r"stores 16 future and 8 past steps.*\n.*at least 33 and 9"):
        build_index(tiny.quality, tiny.episodes, WindowShape(8, 32), **SHARES)


def test_an_unreadable_episode_is_a_reason_not_a_crash(tiny: TinyDataset) -> None:
    extra = tiny.quality.iloc[[0]].assign(clip_id="gone")
    episodes = build_index(pd.concat([extra, tiny.quality]), tiny.episodes, SHAPE, **SHARES).episodes
    assert episodes.set_index("episode_id").loc["arm/gone", "reason"].startswith("unreadable: ")


def test_a_missing_or_foreign_index_is_named(tmp_path: Path, tiny: TinyDataset) -> None:
    with pytest.raises(DatasetError, match=r"index\.parquet cannot be read"):
        read_slots(tmp_path / "index.parquet")
    tiny.quality.drop(columns=["is_3d"]).to_parquet(tmp_path / "index.parquet")
    with pytest.raises(DatasetError, match=r"lacks the columns episode_id, split, slot"):
        read_slots(tmp_path / "index.parquet")
