"""Recordings: equal bytes for equal seeds, only what is missing is recorded, labels agree with outcomes."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mu0.errors import DatasetError
from mu0.files import read_json, sha256_of_tree
from mu0.params.tau0_data import TaskScenes, Tau0DataParams
from mu0.tau0.data.collect import CONTENTS, collect_tau0_data, read_tables
from mu0.tau0.data.scene_files import scene_numbers, scene_pictures
from mu0.tau0.data.summary import with_label_facts

pytestmark = pytest.mark.slow


def test_equal_seeds_are_equal_bytes_and_only_what_is_missing_is_recorded(
    tau0_folder: Path, tau0_cache: Path, tau0_params: Tau0DataParams, tmp_path: Path
) -> None:
    kept = tmp_path / "cache" / "scenes"
    shutil.copytree(tau0_cache, kept)
    entries = sorted(kept.iterdir())
    lost = entries[::4]
    for entry in lost:
        shutil.rmtree(entry)
    before = {entry: entry.stat().st_mtime_ns for entry in entries if entry not in lost}
    collect_tau0_data(tau0_params, tmp_path / "again", kept)
    assert {entry: entry.stat().st_mtime_ns for entry in before} == before
    assert sha256_of_tree(tmp_path / "again") == sha256_of_tree(tau0_folder)


def test_another_gamma_and_other_splits_record_nothing(
    tau0_folder: Path, tau0_cache: Path, tau0_params: Tau0DataParams, tmp_path: Path
) -> None:
    entries = sorted(tau0_cache.iterdir())
    other = tau0_params.model_copy(update={"gamma": 0.9, "test_share": 0.5})
    collect_tau0_data(other, tmp_path / "other", tau0_cache)
    assert sorted(tau0_cache.iterdir()) == entries
    assert read_json(tmp_path / "other" / CONTENTS) != read_json(tau0_folder / CONTENTS)
    before, after = read_tables(tau0_folder).frames, read_tables(tmp_path / "other").frames
    np.testing.assert_array_equal(before["held"], after["held"])
    assert (before["overall"] != after["overall"]).any()


def test_no_scene_lies_in_two_splits_and_every_split_meets_every_kind_of_scene(tau0_folder: Path) -> None:
    recordings = read_tables(tau0_folder).recordings
    assert (recordings.groupby("scene_id")["split"].nunique() == 1).all()
    for _, rows in recordings.groupby("source"):
        assert set(rows["split"]) == {"train", "val", "test"}


def test_labels_agree_with_outcomes(tau0_folder: Path) -> None:
    episodes = with_label_facts(read_tables(tau0_folder))
    whole = episodes[episodes["kind"].isin(["demonstration", "rollout", "fault"])]
    successes, failures = whole[whole["success"]], whole[~whole["success"]]
    assert len(successes) >= 3
    assert len(failures) >= 3
    assert (successes["last"] == 1).all()
    assert (successes["n_falls"] == 0).all()
    assert (failures["last"] < 1).all()
    errors = failures[failures["kind"] == "fault"]
    stalls = errors["fault"] == "stall"
    assert stalls.any()
    assert not stalls.all()
    assert (errors.loc[~stalls, "last"] < errors.loc[~stalls, "at_error"]).all()
    assert (errors.loc[stalls, "highest_after"] == errors.loc[stalls, "at_error"]).all()


def test_branches_begin_alike_to_the_last_bit_and_end_apart(tau0_folder: Path) -> None:
    tables = read_tables(tau0_folder)
    for scene_id, branches in tables.branches.groupby("scene_id"):
        numbers = scene_numbers(tau0_folder / "scenes" / str(scene_id))
        told = tables.recordings[tables.recordings["scene_id"] == scene_id].set_index("recording")
        first_rows = [told.loc[recording, "first_row"] for recording in branches["recording"]]
        twin = branches["start_step"].iloc[0]  # the demonstration is the scene's first recording
        for row in first_rows:
            np.testing.assert_array_equal(numbers["state"][row], numbers["state"][twin])
    gaps_m = tables.branches.groupby("chunk")["end_gap_m"].mean()
    assert gaps_m["demonstrated"] == 0
    assert gaps_m["hold"] > 0.03
    assert gaps_m["mirrored"] > gaps_m["hold"]


def test_the_demonstrated_branch_is_the_demonstration_again(tau0_folder: Path) -> None:
    tables = read_tables(tau0_folder)
    branch = tables.branches[tables.branches["chunk"] == "demonstrated"].iloc[0]
    numbers = scene_numbers(tau0_folder / "scenes" / branch["scene_id"])
    told = tables.recordings.set_index(["scene_id", "recording"])
    first = told.loc[(branch["scene_id"], branch["recording"]), "first_row"]
    n = branch["n_frames"]
    twin = slice(branch["start_step"], branch["start_step"] + n)
    for name in ("state", "thing_m", "held"):
        np.testing.assert_array_equal(numbers[name][first : first + n], numbers[name][twin])


def test_hand_video_and_hand_held_gripper_lack_what_they_lack(tau0_folder: Path) -> None:
    recordings = read_tables(tau0_folder).recordings
    hand = recordings[recordings["kind"] == "hand"].iloc[0]["scene_id"]
    assert scene_numbers(tau0_folder / "scenes" / hand) == {}
    with pytest.raises(DatasetError, match="has no wrist view"):
        scene_pictures(tau0_folder / "scenes" / hand, "wrist")
    umi = recordings[recordings["kind"] == "umi"].iloc[0]
    held_by_hand = tau0_folder / "scenes" / umi["scene_id"]
    assert umi["views"] == "wrist"
    with pytest.raises(DatasetError, match="has no front view"):
        scene_pictures(held_by_hand, "front")
    assert len(scene_pictures(held_by_hand, "wrist")) == umi["n_frames"]
    assert len(scene_numbers(held_by_hand)["wanted"]) == umi["n_frames"]


def test_nothing_asked_for_and_a_foreign_folder_are_said(tmp_path: Path) -> None:
    nothing = Tau0DataParams(scenes=TaskScenes(pick=0), hand_scenes=0, umi_scenes=0)
    with pytest.raises(DatasetError, match="asks for no scene"):
        collect_tau0_data(nothing, tmp_path / "goal", tmp_path / "cache")
    with pytest.raises(DatasetError, match=r"lacks recordings.parquet"):
        read_tables(tmp_path)
