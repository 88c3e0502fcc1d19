"""Captions: every event has texts, they hold the source's words, and claim only measured motion."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from caption_fakes import N_FRAMES, TASK, THREE_EVENTS, episode_of, make_episode

from mu0.episodes.read import Episode
from mu0.params.extract import CaptionsParams
from mu0.traceextract.captions.captioners.instructions import is_handling, objects_of
from mu0.traceextract.captions.captioners.template import TemplateCaptioner, motion_phrases, skill_labels
from mu0.traceextract.captions.captioners.vocabulary import SKILLS
from mu0.traceextract.captions.episode_captions import (
    EpisodeCaptions,
    caption_episodes,
    plan_episode,
    task_of,
)
from mu0.traceextract.captions.evidence.measured_motion import Motion, measure
from mu0.traceextract.captions.official_records import training_record
from tests.mu0.traceextract.captions.evidence.pick_and_place import N_HAND, first_frames, play

PARAMS = CaptionsParams(min_chunk_len=12)


def _captions(episode: Episode, params: CaptionsParams = PARAMS) -> EpisodeCaptions:
    return caption_episodes([plan_episode(episode, params)], TemplateCaptioner(params.seed), params)[0]


def _records(episode: Episode, params: CaptionsParams = PARAMS) -> dict[str, list[dict[str, object]]]:
    return training_record(_captions(episode, params), "a", params)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ([0.2, 0, 0], ("right",)),
        ([-0.2, 0, 0], ("left",)),
        ([0, -0.2, 0], ("up",)),
        ([0, 0.2, 0], ("down",)),
        ([0, 0, 0.2], ("forward",)),
        ([0, 0, -0.2], ("backward",)),
        ([-0.2, -0.15, 0], ("left", "up")),
    ],
)
def test_the_measured_direction_is_the_true_one(
    tmp_path: Path, way: list[float], words: tuple[str, ...]
) -> None:
    motion = measure(make_episode(tmp_path / "a", np.array(way)), 0, N_FRAMES - 1)
    assert motion.directions == words
    assert motion.distance == pytest.approx(np.linalg.norm(way), rel=0.02)
    assert motion.n_movers == 1
    assert not motion.is_joint
    assert motion.then == ()


def test_entities_that_always_move_alike_are_not_carried(tmp_path: Path) -> None:
    motion = measure(make_episode(tmp_path / "a", np.array([0, -0.2, 0]), joint=True), 0, N_FRAMES - 1)
    assert not motion.is_joint  # two parts of one hand do that
    assert skill_labels(motion, is_last=False) == ["reach"]
    assert motion_phrases(motion) == ["move up"]


def test_what_is_picked_up_and_put_down_is_told_skill_by_skill(tmp_path: Path) -> None:
    captions = _records(episode_of(tmp_path / "a", *play()))["chunk_texts"]
    assert [record["skill_labels"] for record in captions] == [
        ["reach"], ["grasp"], ["lift"], ["transport"], ["place"], ["release"], ["reposition"],
    ]  # fmt: skip
    assert [str(record["instruction_2"]).removeprefix(f"{TASK}: ") for record in captions] == [
        "reach down and right", "grasp it", "lift it", "carry it left", "lower it", "let it go",
        "move away up",
    ]  # fmt: skip
    assert str(captions[3]["instruction_1"]).endswith("the robot gripper carries it left")
    assert [record["start_idx"] for record in captions] == pytest.approx(first_frames(), abs=1)


def test_without_instruction_something_is_carried(tmp_path: Path) -> None:
    captions = _records(episode_of(tmp_path / "a", *play(), task=""))["chunk_texts"]
    assert captions[3]["instruction_1"] == "the robot gripper carries something left"
    assert captions[5]["instruction_2"] == "let something go"


def test_inferred_skills_are_flagged_and_their_sentences_tell_the_movement_only(tmp_path: Path) -> None:
    points, entity = play()
    captions = _records(episode_of(tmp_path / "a", points[:, :N_HAND], entity[:N_HAND]))["chunk_texts"]
    assert [record["skill_labels"] for record in captions][2:4] == [["lift"], ["transport"]]
    assert [str(record["instruction_2"]).removeprefix(f"{TASK}: ") for record in captions] == [
        "reach down and right", "hold still", "move up", "move left", "move down", "hold still",
        "move away up",
    ]  # fmt: skip
    name = "contact_claim_without_clear_evidence"
    claims = [record["hallucination_flags"][name] for record in captions]  # type: ignore[index]
    assert claims == [False, True, True, True, True, True, False]


def test_the_official_cuts_remain_an_option(tmp_path: Path) -> None:
    episode = episode_of(tmp_path / "a", *play())
    plan = plan_episode(episode, CaptionsParams(cut="acceleration", min_chunk_len=12))
    assert {view.motion.skill for view in plan.views} == {""}
    assert len(plan.views) < len(first_frames())
    assert CaptionsParams(preset="agibot").cut == "acceleration"


def test_a_motion_within_the_noise_is_no_motion(tmp_path: Path) -> None:
    motion = measure(make_episode(tmp_path / "a", np.array([0.019, 0, 0])), 0, N_FRAMES - 1)
    assert motion == Motion()
    assert motion_phrases(motion) == ["hold still"]
    assert skill_labels(motion, is_last=True) == ["unknown"]


def test_a_return_is_told_as_two_movements() -> None:
    motion = Motion(directions=("down",), then=("up", "left"), distance=0.1, n_movers=1)
    assert motion_phrases(motion) == ["move down", "move up and left"]


def test_every_text_holds_the_words_of_the_source(tmp_path: Path) -> None:
    captions = _records(make_episode(tmp_path / "a", np.array([-0.2, 0, 0])))
    for record in [*captions["chunk_texts"], *captions["merged_texts"]]:
        texts = [str(record[f"instruction_{i}"]) for i in (1, 2, 3)]
        assert all(TASK in text for text in texts)
        assert len(set(texts)) == 3
    assert captions["chunk_texts"][0]["instruction_1"] == f"{TASK}: the robot gripper moves left"
    assert captions["chunk_texts"][0]["instruction_2"] == f"{TASK}: move left"


def test_without_instruction_the_texts_tell_the_motion_and_admit_the_doubt(tmp_path: Path) -> None:
    captions = _records(make_episode(tmp_path / "a", np.array([-0.2, 0, 0]), task=""))
    record = captions["chunk_texts"][0]
    assert record["instruction_1"] == "the robot gripper moves left"
    assert record["instruction_2"] == "move left"
    flags = record["hallucination_flags"]
    assert flags == {
        "contact_claim_without_clear_evidence": False,
        "object_identity_uncertain": True,
        "embodiment_uncertain": False,
    }


def test_every_frame_has_a_caption_and_records_have_the_official_keys(tmp_path: Path) -> None:
    episode = make_episode(tmp_path / "a", np.array([0.2, 0, 0]))
    captions = _records(episode)
    covered = {
        f
        for c in captions["chunk_texts"]
        for f in range(int(str(c["start_idx"])), int(str(c["end_idx"])) + 1)
    }
    assert covered == set(range(N_FRAMES))
    for record in captions["chunk_texts"]:
        assert list(record) == [
            "chunk_id", "start_idx", "end_idx", "instruction_1", "instruction_2", "instruction_3",
            "embodiment_type", "task_type", "skill_labels", "hallucination_flags", "used_middle_frame",
            "complexity_tier",
        ]  # fmt: skip
        labels = record["skill_labels"]
        assert isinstance(labels, list)
        assert set(labels) <= set(SKILLS)
        assert 1 <= len(labels) <= 2
    for record in captions["merged_texts"]:
        assert list(record) == [
            "merge_type", "source_chunk_ids", "start_idx", "end_idx", "instruction_1", "instruction_2",
            "instruction_3", "skill_labels", "timeline",
        ]  # fmt: skip


def test_an_episode_of_noisy_frames_is_cut_all_the_same_and_says_so(tmp_path: Path) -> None:
    episode = make_episode(tmp_path / "a", np.array([0.2, 0, 0]), acceleration=THREE_EVENTS)
    plain = plan_episode(episode, CaptionsParams())
    noisy = plan_episode(episode, CaptionsParams(max_keypoints_per_frame=1))
    assert noisy.events.chunks == plain.events.chunks
    assert "of 120 frames have 1 rows or more" in noisy.events.note
    assert plain.events.note == ""


def test_an_episode_without_samples_still_has_a_text(tmp_path: Path) -> None:
    episode = make_episode(tmp_path / "a", np.array([0.2, 0, 0]))
    empty = _records(replace(episode, samples=None))
    assert TASK in str(empty["chunk_texts"][0]["instruction_1"])


def test_an_event_longer_than_the_traces_is_measured_to_its_end(tmp_path: Path) -> None:
    way = np.array([-0.2, 0, 0])
    long = measure(make_episode(tmp_path / "long", way, future_len=40), 0, N_FRAMES - 1)
    hops = measure(make_episode(tmp_path / "hops", way, future_len=9), 0, N_FRAMES - 1)
    assert hops.directions == long.directions == ("left",)
    assert hops.distance == pytest.approx(long.distance, rel=0.05)


def test_an_official_episode_gets_its_task_from_the_description(tmp_path: Path) -> None:
    episode = make_episode(tmp_path / "a", np.array([0.2, 0, 0]), task="")
    assert task_of(episode) == ""
    (episode.folder / "description.txt").write_text("\nopen the drawer\npull it\n")
    assert task_of(episode) == "open the drawer"


@pytest.mark.parametrize(
    ("task", "objects"),
    [
        (TASK, ("red cube", "bowl")),
        ("pick up the mug", ("mug",)),
        ("Move a towel from the left to the right side.", ("towel", "left", "right side")),
        ("push the orange can forward", ("orange can",)),
        ("pick up the green can and put it down elsewhere on the table", ("green can", "table")),
        ("open the left drawer slowly", ("left drawer",)),
        ("turn the knob clockwise, then push the big red button twice", ("knob", "big red button")),
        ("put the red and blue block next to a cup of tea", ("red and blue block", "cup")),
        ("Slide my old wooden ruler towards the camera's left", ("old wooden ruler", "camera's left")),
        ("open drawer", ()),
        ("", ()),
    ],
)
def test_objects_are_those_that_the_source_names(task: str, objects: tuple[str, ...]) -> None:
    assert objects_of(task) == objects


@pytest.mark.parametrize(
    ("task", "handles"),
    [(TASK, True), ("Pick up the mug", True), ("push the can forward", False), ("wave", False), ("", False)],
)
def test_an_instruction_says_whether_something_is_picked_up(task: str, *, handles: bool) -> None:
    assert is_handling(task) is handles


def test_agibot_records_say_which_part_of_the_task_they_are(tmp_path: Path) -> None:
    episode = make_episode(tmp_path / "a", np.array([0.2, 0, 0]))
    params = CaptionsParams(preset="agibot", min_chunk_len=12)
    record = training_record(_captions(episode, params), "a", params)
    assert record["task_description"] == TASK
    chunks = record["chunk_texts"]
    assert isinstance(chunks, list)
    assert {key: chunks[0][key] for key in list(chunks[0])[12:]} == {
        "task_description": TASK, "chunk_index": 0, "num_chunks": 1, "start_frame": 0,
        "end_frame": N_FRAMES - 1, "selected_frame_indices": [0, N_FRAMES - 1],
    }  # fmt: skip
