"""The report's pieces: numbers come from the artifacts, words promise no more than intervals allow."""

import json
import re
import struct
from pathlib import Path

import numpy as np

from mu0.viewer.actors import NAMES
from mu0.viewer.page import table
from mu0.viewer.report.chain import _n_parameters
from mu0.viewer.report.page import Page
from mu0.viewer.report.rollouts import _by_kind, _caption, _of_trace_policy, _row, _verdict
from mu0.viewer.report.traces import _by_phase, _measured, _prediction, _resting, caption_scores


def test_parameters_are_counted_from_the_header_alone(tmp_path: Path) -> None:
    header = json.dumps(
        {
            "__metadata__": {"format": "pt"},
            "a": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]},
            "b": {"dtype": "F32", "shape": [], "data_offsets": [48, 52]},
        }
    ).encode()
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    assert _n_parameters(tmp_path / "w.safetensors") == 13


def test_no_difference_is_claimed_without_evidence() -> None:
    pair = {"first": "mu0", "second": "no_trace", "n_pairs": 40, "n_only_first": 5, "n_only_second": 3,
            "difference": 0.05, "mcnemar_exact_p": 0.73}  # fmt: skip
    assert "No difference is shown." in _verdict(pair)


def test_a_significant_loss_is_said_as_a_loss() -> None:
    pair = {
        "first": "mu0",
        "second": "no_trace",
        "n_pairs": 40,
        "n_only_first": 0,
        "n_only_second": 9,
        "difference": -0.2,
        "mcnemar_exact_p": 0.004,
    }
    better, worse = "the same without trace features", "expert on μ0’s trace features"
    assert f"More often successful: {better}, not {worse}." in _verdict(pair)


def test_an_actor_row_shows_counts_rate_and_interval() -> None:
    rate = {"n_successes": 12, "n_trials": 40, "rate": 0.3, "low": 0.181, "high": 0.454}
    actor = {
        "success": rate,
        "reached": rate | {"rate": 0.9},
        "grasped": rate | {"rate": 0.7},
        "lifted": rate | {"rate": 0.5},
        "mean_score": 0.456,
        "reasons": {"never came to the target": 4, "ReachError": 1},
        "mean_ms_per_plan": 24.4,
    }
    assert _row("mu0", actor)[1:] == [
        "12/40",
        "30 %",
        "18 to 45 %",
        "0.46",
        "90 %",
        "70 %",
        "50 %",
        "never came to the target (4); out of the arm’s reach (1)",
        "24",
    ]


def test_a_task_without_a_controller_says_so() -> None:
    assert _of_trace_policy({"actors": {"mu0": {}}}).endswith("no controller for this task.")
    assert "blue lines" in _of_trace_policy({"actors": {"trace_policy": {}}})


def test_kinds_that_an_actor_never_met_are_dashes() -> None:
    met = {"success_by_kind": {"can": {"n_successes": 3, "n_trials": 8}}}
    other = {"success_by_kind": {"apple": {"n_successes": 0, "n_trials": 2}}}
    shown = _by_kind({"mu0": met, "grounded": other})
    assert re.findall(r"<t[hd]>([^<]*)</t[hd]>", shown) == [
        "actor", "apple", "can", NAMES["mu0"], "–", "3/8", NAMES["grounded"], "0/2", "–",
    ]  # fmt: skip


def test_videos_of_failures_say_why() -> None:
    clip = {"actor": "no_trace", "outcome": "failure", "instruction": "pick the can", "reason": "slipped out"}
    assert _caption(clip).endswith("features: failure (slipped out) “pick the can”")
    assert _caption(clip | {"outcome": "success", "reason": ""}).endswith("success “pick the can”")


def test_what_was_not_measured_is_a_dash() -> None:
    assert _measured(None, 100.0, "%") == "–"
    assert _measured(0.0123, 1000.0, "mm") == "12.3 mm"


def test_scores_of_captions_are_shown_where_there_are_any() -> None:
    assert caption_scores({}) == []
    row = {
        "n_episodes": 3.0,
        "boundary_f1": 0.9,
        "skill_accuracy": None,
        "claims_right": 1.0,
        "objects_right": 1.0,
    }
    shown = "".join(caption_scores({"hand_sim": row}))
    assert all(each in shown for each in ("hand_sim", "<td>3</td>", "90", "–"))


def test_a_prediction_starts_at_its_anchor_and_hides_invalid_steps(tmp_path: Path) -> None:
    import base64

    import cv2

    cv2.imwrite(str(tmp_path / "0.png"), np.zeros((64, 64, 3), np.uint8))
    moment = {
        "image": "0.png", "depth": None, "width": 64, "height": 64, "instruction": "pick",
        "episode_id": "s/c",
        "frame_index": 3, "intrinsics": [[64, 0, 32], [0, 64, 32], [0, 0, 1]], "anchor": [[0, 0, 2.0]],
        "truth": [[[0.5, 0, 2.0], [1, 0, 2.0]]], "valid": [[True, False]],
        "methods": {"mu0": [[[[0.5, 0, 2.0], [1, 0, 2.0]]]], "static": [[[[0, 0, 2.0], [0, 0, 2.0]]]]},
    }  # fmt: skip
    (tmp_path / "0.json").write_text(json.dumps(moment))
    scene = _prediction(tmp_path / "0.json")
    assert [layer["name"] for layer in scene["layers"]] == ["μ0", "truth"]
    xyz = np.frombuffer(base64.b64decode(scene["layers"][0]["xyz"]), "<f4").reshape(3, 3)
    np.testing.assert_allclose(xyz[:2], [[0, 0, 2], [0.5, 0, 2]], atol=1e-6)
    assert np.isnan(xyz[2]).all()


def test_tables_by_phase_are_shown_with_their_warning_and_as_harmless_text() -> None:
    page = Page()
    told = {"title": "By phase", "note": "ADE <cm>", "header": ["phase", "μ0"], "rows": [["carry", "6.0"]]}
    _by_phase([told | {"warning": "Warning: no"}, told | {"warning": ""}], page)
    shown = "".join(page.parts)
    assert shown.count("<h3>By phase</h3>") == shown.count(">6.0<") == 2
    assert shown.count("Warning: no") == 1
    assert "ADE &lt;cm&gt;" in shown


def test_what_rests_is_told_where_it_was_measured() -> None:
    page = Page()
    _resting([], page)
    assert page.parts == []
    row = {"method": "mu0", "source": "all", "n_resting": 7, "n_moving": 5, "false_motion_m": 0.004,
           "false_motion_share": 0.02, "moves_auroc": 0.97, "moves_ece": None}  # fmt: skip
    _resting([row, row | {"source": "arm", "n_resting": 1}], page)
    told = "".join(page.parts)
    assert "5 moving and 7 resting points" in told
    for cell in ("0.4 cm", "2.0 %", "0.970", "–"):
        assert f">{cell}<" in told


def test_sentences_wrap_and_names_of_rows_do_not() -> None:
    long = "lifted, but not brought into the sink (1); and more"
    shown = table(["actor", "why", "number"], [[long, long, "6.0 [5.2, 6.8], +7.4 (path 7.6)"]])
    assert shown.count("<td class=words>") == 1
    assert shown.index(f"<td>{long}") < shown.index(f"<td class=words>{long}")
