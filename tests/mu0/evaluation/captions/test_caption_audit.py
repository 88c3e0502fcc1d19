"""Captions against known truth: what counts as right, and what does not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mu0.errors import StageError
from mu0.evaluation.captions.audit import Event, audit_captions, is_skill_right, matched
from mu0.evaluation.captions.audit_folders import summarize_captions
from mu0.evaluation.captions.truth import CaptionTruth, read_caption_truth

TASK = "put the red can into the sink"
LOOKS_DOWN_RAD = 0.6


def _truth() -> CaptionTruth:
    """10 frames of reaching down, 4 of grasping, 10 of lifting, by a camera that looks at it from above."""
    time = np.arange(24)
    height_m = 0.3 - 0.02 * np.minimum(time, 10) + 0.02 * np.maximum(time - 14, 0)
    hand_m = np.stack([0 * height_m, 0 * height_m, height_m], axis=1)
    target_m = np.where((time > 14)[:, None], hand_m, hand_m[14])
    cosine, sine = np.cos(LOOKS_DOWN_RAD), np.sin(LOOKS_DOWN_RAD)
    pose = np.eye(4)  # rows: right, down and ahead of the camera, which looks along +y and down
    pose[:3, :3] = [[1, 0, 0], [0, -sine, -cosine], [0, cosine, -sine]]
    phases = ("reach",) * 10 + ("grasp",) * 4 + ("lift",) * 10
    return CaptionTruth(phases, "red can", hand_m, target_m, np.tile(pose, (24, 1, 1)))


def _event(first: int, last: int, label: str, said: str, things: tuple[str, ...] = ("red can",)) -> Event:
    return Event(first, last, (label,), things, f"{TASK}: the hand {said}")


GOOD = [
    _event(0, 9, "reach", "reaches down"),
    _event(10, 13, "grasp", "grasps it"),
    _event(14, 23, "lift", "lifts it"),
]


def test_true_captions_are_all_right() -> None:
    counts = audit_captions(GOOD, TASK, _truth())
    assert counts["n_boundaries_right"] == counts["n_boundaries"] == counts["n_changes"] == 2
    assert counts["n_skills_right"] == counts["n_events"] == 3
    assert counts["n_mover_claims_right"] == counts["n_mover_claims"] == 3
    assert counts["n_direction_claims_right"] == counts["n_direction_claims"] == 2
    assert counts["n_objects_right"] == 3


def test_one_event_of_everything_is_wrong_about_skill_and_boundaries() -> None:
    counts = audit_captions([_event(0, 23, "reach", "carries it up")], TASK, _truth())
    assert (counts["n_boundaries"], counts["n_changes"], counts["n_skills_right"]) == (0, 2, 0)
    assert counts["n_mover_claims_right"] == 0  # it lay still for more than half of the time


def test_to_carry_what_lies_still_is_a_false_claim() -> None:
    counts = audit_captions([_event(0, 9, "transport", "carries it down")], TASK, _truth())
    assert (counts["n_mover_claims"], counts["n_mover_claims_right"]) == (1, 0)
    assert (counts["n_direction_claims"], counts["n_direction_claims_right"]) == (1, 0)


def test_up_is_against_gravity_and_not_towards_the_camera() -> None:
    up, backward = (
        audit_captions([_event(14, 23, "lift", f"carries it {way}")], TASK, _truth())
        for way in ("up", "backward")
    )
    assert up["n_direction_claims_right"] == 1
    assert backward["n_direction_claims_right"] == 0


def test_a_label_must_cover_two_thirds_and_name_nothing_else() -> None:
    truth = _truth()
    assert is_skill_right(_event(0, 13, "reach", ""), truth)
    assert not is_skill_right(_event(0, 15, "reach", ""), truth)
    both = replace(_event(10, 23, "grasp", ""), labels=("grasp", "lift"))
    assert is_skill_right(both, truth)
    assert not is_skill_right(replace(both, labels=("grasp", "lift", "release")), truth)


def test_a_boundary_is_right_within_three_frames_and_used_once() -> None:
    assert matched([10], [13]) == matched([16], [13]) == 1
    assert matched([9], [13]) == matched([17], [13]) == 0
    assert matched([11, 12], [13]) == 1
    assert matched([10, 16], [13, 19]) == 2


def test_scores_are_of_all_events_together_and_admit_what_is_unknown() -> None:
    import pandas as pd

    rows = [
        {"episode_id": f"s/{name}", "source": "s"} | audit_captions(events, TASK, _truth())
        for name, events in (("a", GOOD), ("b", GOOD[:1]))
    ]
    scores = summarize_captions(pd.DataFrame(rows))["s"]
    assert scores["boundary_f1"] == pytest.approx(2 * 2 / (4 + 2))
    assert scores["skill_accuracy"] == 1.0
    assert scores["n_episodes"] == 2
    silent = audit_captions([replace(GOOD[0], text="")], TASK, _truth())
    assert summarize_captions(pd.DataFrame([{"source": "s"} | silent]))["s"]["claims_right"] is None


def test_truth_without_phases_says_what_to_do(tmp_path: Path) -> None:
    np.savez(tmp_path / "old.npz", points_world=np.zeros((2, 3, 3)))
    with pytest.raises(StageError, match="mu0 run raw_videos"):
        read_caption_truth(tmp_path / "old.npz", (0, 1))
