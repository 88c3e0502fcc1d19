"""Answers: whatever a model writes, only valid fields come out, and what is wrong is told in words."""

import json

import pytest

from mu0.traceextract.captions.captioners.answer import AnswerError, find_object, read_caption, read_merged
from tests.mu0.traceextract.captions.caption_fakes import GOOD_CAPTION

GOOD = json.dumps(GOOD_CAPTION)
MERGED: dict[str, object] = {
    "instruction_1": "It lifts, then it places.",
    "instruction_2": "Lift, then place.",
    "instruction_3": "tidy up",
}


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Sure! Here it is:\n```\n{GOOD}\n```\nAnything else?",
        f"Here you are: {GOOD} Have fun.",
        f"  \n{json.dumps(GOOD_CAPTION, indent=4)}\n",
    ],
)
def test_an_object_is_found_wherever_it_stands(text: str) -> None:
    caption = read_caption(text)
    assert caption.instructions[0] == GOOD_CAPTION["instruction_1"]
    assert caption.skill_labels == ("grasp", "lift")
    assert caption.objects == ("red cube",)


@pytest.mark.parametrize(
    "text",
    [
        f'<think>They want {{"instruction_1": ...}}. Let me see.</think>\n{GOOD}',
        f"first {{a}}, then {{b}}\n</think>\n{GOOD}",
        f"{GOOD}\nNote: {{done}}",
        f'<think>A draft: {{"instruction_1": "no"}}</think>```json\n{GOOD}\n```',
        f"[THINK]Braces {{}} help.[/THINK]{GOOD}",
        f"<|channel|>analysis<|message|>{{hm}}<|end|><|channel|>final<|message|>{GOOD}",
        f"<thinking>\n{{\n</thinking> Answer: {GOOD} }}",
        f'{{"instruction_1": "a draft"}} No, better: {GOOD}',
        f'{{"caption": {GOOD}}}',
        f"Options {{1, 2}}: I take {{2}}.\n{GOOD}\nDone {{}}",
        f"<think>{GOOD}</think>",
    ],
)
def test_what_a_model_thinks_aloud_does_not_hide_its_answer(text: str) -> None:
    assert read_caption(text).instructions[0] == GOOD_CAPTION["instruction_1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<think>first {a}, then", "ends while it is still thinking"),
        ("<think>so {a}</think>\n", "ends after its thinking"),
        (f"<think>hm</think>{GOOD[:-30]}", "not valid JSON"),
    ],
)
def test_an_answer_that_ends_in_its_thinking_is_said_to(text: str, words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        find_object(text)


def test_missing_optional_fields_have_careful_defaults() -> None:
    caption = read_caption(GOOD)
    assert caption.hallucination_flags == {
        "contact_claim_without_clear_evidence": False,
        "object_identity_uncertain": True,
        "embodiment_uncertain": False,
    }
    assert caption.structured_motion["motion_direction"] == "unclear"
    assert caption.structured_motion["start_state"] == "unclear"
    assert "mid_state" not in caption.structured_motion
    bare = {key: GOOD_CAPTION[key] for key in list(GOOD_CAPTION)[:5]}
    assert read_caption(json.dumps(bare)).structured_motion["confidence"] == "low"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"instruction_1": None}, "instruction_1 must be a text"),
        ({"instruction_2": "  "}, "instruction_2 has no words"),
        ({"instruction_2": "..."}, "instruction_2 has no words"),
        ({"instruction_3": ["a"]}, "instruction_3 must be a text"),
        ({"instruction_3": "a " * 81}, "instruction_3 is longer than 80 words"),
        ({"instruction_1": "In the first frame a hand is seen."}, "speaks of 'first frame'"),
        ({"instruction_1": "The video shows a hand."}, "speaks of 'The video'"),
        ({"embodiment_type": "octopus"}, 'embodiment_type is "octopus"; allowed: human_hand, robot_gripper'),
        ({"embodiment_type": 3}, "embodiment_type is 3; allowed"),
        ({"skill_labels": []}, "skill_labels must be a list of one or two labels"),
        ({"skill_labels": "grasp"}, "skill_labels must be a list"),
        ({"skill_labels": ["juggle"]}, 'skill_labels is "juggle"; allowed: reach, grasp'),
        ({"skill_labels": ["reach", "grasp", "lift"]}, "skill_labels has 3 labels, at most 2"),
        ({"objects": "cube"}, "objects must be a list of texts"),
        ({"hallucination_flags": []}, "hallucination_flags must be an object"),
        (
            {"hallucination_flags": {"embodiment_uncertain": "yes"}},
            "embodiment_uncertain must be true or false",
        ),
        ({"structured_motion": "fast"}, "structured_motion must be an object"),
        ({"structured_motion": {"confidence": "sure"}}, 'structured_motion.confidence is "sure"'),
        ({"structured_motion": {"main_actor": 1}}, "structured_motion.main_actor must be a text"),
    ],
)
def test_every_fault_has_its_words(change: dict[str, object], words: str) -> None:
    with pytest.raises(AnswerError) as caught:
        read_caption(json.dumps(GOOD_CAPTION | change))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the answer is empty"),
        ("I cannot see.", "not valid JSON"),
        (GOOD[:-30], "not valid JSON"),
        (f"[{GOOD}]", "a JSON list, not an object"),
        ("42", "a JSON int, not an object"),
        ("[" * 100_000, "not valid JSON"),
        ("{" * 100_000 + "}", "not valid JSON"),
        ("\x00\ufffd}{", "not valid JSON"),
    ],
)
def test_what_is_no_object_is_said_to_be_none(text: str, words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        find_object(text)


def test_labels_are_read_in_any_writing_and_extra_fields_are_left_behind() -> None:
    noisy = GOOD_CAPTION | {
        "skill_labels": ["Open close", " GRASP "],
        "embodiment_type": "Human Hand",
        "start_idx": 999,
        "chunk_id": -1,
        "merge_type": "mine",
    }
    caption = read_caption(json.dumps(noisy))
    assert caption.skill_labels == ("open_close", "grasp")
    assert caption.embodiment_type == "human_hand"
    assert not hasattr(caption, "start_idx")


def test_texts_lose_line_breaks_and_control_characters() -> None:
    caption = read_caption(json.dumps(GOOD_CAPTION | {"instruction_1": "A\n\thand\u0007 moves.\u2028"}))
    assert caption.instructions[0] == "A hand moves."


def test_a_timeline_may_leave_events_out_but_not_invent_them() -> None:
    answer = MERGED | {"timeline": [{"chunk_id": 4, "event": "It places.", "start_idx": 77}]}
    merged = read_merged(json.dumps(answer), [3, 4], ["It lifts.", "told before"])
    assert merged.events == ("It lifts.", "It places.")
    for wrong in (7, "4", True, [4], None):
        with pytest.raises(AnswerError, match=r"needs a chunk_id out of \[3, 4\]"):
            read_merged(json.dumps(MERGED | {"timeline": [{"chunk_id": wrong}]}), [3, 4], ["a", "b"])
    with pytest.raises(AnswerError, match="timeline must be a list"):
        read_merged(json.dumps(MERGED | {"timeline": {}}), [3, 4], ["a", "b"])
    with pytest.raises(AnswerError, match=r"timeline.event must be a text"):
        read_merged(json.dumps(MERGED | {"timeline": [{"chunk_id": 3}]}), [3, 4], ["a", "b"])
