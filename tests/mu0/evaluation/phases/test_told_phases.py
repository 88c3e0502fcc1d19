"""Phases from captions, entities from what moves when: guesses where nobody recorded the truth."""

from pathlib import Path

import numpy as np
import pytest

from mu0.dataset.evaluation import EvaluationProtocol, read_evaluation_samples
from mu0.dataset.index import read_slots
from mu0.episodes.read import read_episode
from mu0.errors import DatasetError
from mu0.evaluation.phases.labels import LabelFolders, label_keypoints
from mu0.evaluation.phases.told import NAME, _entity, told_entities, told_phases
from mu0.files import write_json
from tests.mu0.dataset.tiny_dataset import SHAPE, make_tiny_dataset


def put_captions(folder: Path, *events: tuple[int, int, list[str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    chunks = [
        {"chunk": {"start_idx": first, "end_idx": last}, "caption": {"skill_labels": labels}}
        for first, last, labels in events
    ]
    write_json(folder / NAME, {"chunks": [*chunks, {"chunk": {"start_idx": 0}, "error": "failed"}]})


def test_skills_become_phases_and_an_event_is_divided_evenly(tmp_path: Path) -> None:
    put_captions(tmp_path, (0, 1, ["reach"]), (2, 5, ["grasp", "lift"]), (7, 9, ["reposition"]))
    expected = ("approach", "approach", "hover", "hover", "carry", "carry", "unknown", "after")
    assert told_phases(tmp_path, 8) == expected


def test_without_captions_nothing_is_known_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    assert set(told_phases(tmp_path / "none", 3)) == {"unknown"}
    write_json(tmp_path / NAME, {"chunks": [{"chunk": {}, "caption": {"skill_labels": ["reach"]}}]})
    with pytest.raises(DatasetError, match="cannot be used"):
        told_phases(tmp_path, 3)


def test_what_moves_in_the_approach_is_the_gripper_and_what_waits_for_it_the_target() -> None:
    assert _entity([1.0, 0.9], [1.0]) == "gripper"
    assert _entity([0.0, 0.1], [0.9]) == "target"
    assert _entity([0.0, 0.1], [0.0]) == "other"
    assert _entity([], [1.0]) == "other"


def test_all_points_of_a_straight_motion_are_the_grippers(tmp_path: Path) -> None:
    tiny = make_tiny_dataset(tmp_path)
    episode = read_episode(tiny.episodes / "arm/clip0")
    groups = told_entities(episode, ("approach",) * episode.n_frames)
    assert set(groups.values()) == {"gripper"}
    assert told_entities(episode, ("place",) * episode.n_frames) == {}


def test_every_keypoint_has_a_label_and_says_who_knows_it(tmp_path: Path) -> None:
    tiny = make_tiny_dataset(tmp_path)
    put_captions(tiny.captions / "arm/clip0", (0, 5, ["reach"]))
    slots = read_slots(tiny.folder / "index.parquet")
    samples = read_evaluation_samples(slots, tiny.episodes, tiny.captions, EvaluationProtocol(SHAPE))
    labels = label_keypoints(samples, LabelFolders(tiny.episodes, tiny.captions, tmp_path / "no truth"))
    assert len(labels) == sum(len(sample.valid) for sample in samples)
    owner = np.repeat([sample.episode_id for sample in samples], [len(one.valid) for one in samples])
    told = labels[owner == "arm/clip0"]
    assert set(told["phase"]) == {"approach"}
    assert set(told["entity"]) == {"gripper"}
    assert set(told["known_by"]) == {"captions"}
    assert set(labels[owner != "arm/clip0"]["known_by"]) == {"nobody"}
