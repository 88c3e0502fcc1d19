"""Caption files: official keys in order, nothing absolute, counts that add up, equal runs equal bytes."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from caption_fakes import GOOD_CAPTION, THREE_EVENTS, SaidModel, make_episode

import mu0.traceextract.captions.official_files as files
from mu0.dataset.captions import read_captions
from mu0.errors import CaptionError
from mu0.files import sha256_of_tree
from mu0.params.extract import CaptionsParams
from mu0.traceextract.captions.captioners.answer_cache import AnswerCache
from mu0.traceextract.captions.captioners.interfaces import Prompt
from mu0.traceextract.captions.captioners.vlm import VlmCaptioner
from mu0.traceextract.captions.official_files import write_captions

PARAMS = CaptionsParams()
RIGHT = np.array([0.2, 0, 0])
CHUNK_KEYS = [
    "chunk_id", "start_idx", "end_idx", "instruction_1", "instruction_2", "instruction_3", "embodiment_type",
    "task_type", "skill_labels", "hallucination_flags", "used_middle_frame", "complexity_tier",
]  # fmt: skip
MERGED_KEYS = [
    "merge_type", "source_chunk_ids", "start_idx", "end_idx", "instruction_1", "instruction_2",
    "instruction_3", "skill_labels", "timeline",
]  # fmt: skip


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two episodes; the first has three events."""
    folder = tmp_path_factory.mktemp("traces")
    make_episode(folder / "ur3_sim/clip_b", RIGHT)
    make_episode(folder / "ur3_sim/clip_a", -RIGHT, task="größer", acceleration=THREE_EVENTS, n_each=5)
    return folder


@pytest.fixture
def root(tmp_path: Path, traces: Path) -> Path:
    """A project with these episodes."""
    shutil.copytree(traces, tmp_path / "traces")
    return tmp_path


def _run(root: Path, params: CaptionsParams = PARAMS, name: str = "captions") -> files.Totals:
    return write_captions(root / "traces", root / name, params, root / "cache")


def _json(root: Path, name: str, episode: str = "clip_a") -> Any:
    return json.loads((root / "captions/ur3_sim" / episode / name).read_text())


def _with_model(monkeypatch: pytest.MonkeyPatch, root: Path, model: SaidModel) -> CaptionsParams:
    def load(params: CaptionsParams, cache: Path) -> VlmCaptioner:
        return VlmCaptioner(model, AnswerCache(cache), params.use_motion_mask)

    monkeypatch.setattr(files, "load_captioner", load)
    return CaptionsParams(captioner="local_vlm")


def test_the_training_file_is_official_and_ascii(root: Path) -> None:
    _run(root)
    assert (root / "captions/ur3_sim/clip_a/curated_training_texts.json").read_text().isascii()
    content = _json(root, "curated_training_texts.json")
    assert list(content) == ["video_id", "n_frames", "chunk_texts", "merged_texts"]
    assert (content["video_id"], content["n_frames"]) == ("clip_a", 120)
    assert [list(record) for record in content["chunk_texts"]] == [CHUNK_KEYS] * 3
    assert [list(record) for record in content["merged_texts"]] == [MERGED_KEYS] * 3
    assert [record["merge_type"] for record in content["merged_texts"]] == ["pair", "pair", "triple"]
    assert content["merged_texts"][2]["source_chunk_ids"] == [0, 1, 2]
    assert [entry["chunk_id"] for entry in content["merged_texts"][1]["timeline"]] == [1, 2]
    assert len(read_captions(root / "captions", "ur3_sim/clip_a").covering(41)) == 4


def test_the_debug_file_has_the_official_keys_and_relative_paths(root: Path) -> None:
    _run(root)
    content = _json(root, "curated_captions.json")
    assert list(content) == ["video_id", "video_dir", "n_frames", "config", "chunks", "merged_windows"]
    assert content["video_dir"] == "ur3_sim/clip_a"
    assert {"backend", "caption_model", "merge_model", "smooth_window", "min_chunk_len"} <= set(
        content["config"]
    )
    chunk = content["chunks"][0]
    assert list(chunk) == [
        "chunk", "num_keypoints_at_start", "used_middle_frame", "complexity_tier", "frames", "caption",
    ]  # fmt: skip
    assert list(chunk["frames"]) == [
        "first_frame", "last_frame", "middle_frame", "mask", "overlay", "mask_cluster_id", "mask_n_keypoints",
        "mask_displacement", "mask_notes",
    ]  # fmt: skip
    assert chunk["frames"]["first_frame"] is None  # templates look at no frames
    assert set(chunk["caption"]["structured_motion"]) >= {"main_actor", "motion_type", "confidence"}
    assert str(root) not in (root / "captions/ur3_sim/clip_a/curated_captions.json").read_text()


def test_the_lists_of_events_and_windows_are_official(root: Path) -> None:
    _run(root)
    chunks = _json(root, "curated/chunks_meta.json")
    assert [(chunk["start_idx"], chunk["end_idx"], chunk["length"]) for chunk in chunks] == [
        (0, 40, 41), (41, 79, 39), (80, 119, 40),
    ]  # fmt: skip
    assert chunks[0]["peak_acceleration"] == pytest.approx(1.0, abs=1e-4)
    assert chunks[0]["mean_acceleration"] == pytest.approx(float(THREE_EVENTS[:41].mean()), abs=1e-6)
    assert list(chunks[0]) == [
        "video_id", "chunk_id", "segment_id", "start_idx", "end_idx", "length", "peak_acceleration",
        "mean_acceleration",
    ]  # fmt: skip
    assert _json(root, "curated/segments_meta.json") == {
        "n_frames": 120, "max_keypoints_per_frame": 300, "noisy_pad": 0, "noisy_intervals": [],
        "clean_segments": [{"segment_id": 0, "start_idx": 0, "end_idx": 119, "length": 120}],
    }  # fmt: skip
    windows = _json(root, "curated/merged_windows.json")
    assert windows == _json(root, "curated_captions.json")["merged_windows"]


def test_the_table_repeats_the_files_and_the_counts_add_up(root: Path) -> None:
    totals = _run(root)
    table = pd.read_parquet(root / "captions/captions.parquet")
    assert list(table["episode_id"].unique()) == ["ur3_sim/clip_a", "ur3_sim/clip_b"]
    summary = json.loads((root / "captions/summary.json").read_text())
    assert summary["n_texts"] == len(table) == sum(summary["n_texts_by_status"].values()) == 8
    assert totals.count("ok") == 8
    first = table.iloc[0]
    assert (
        first["instruction_1"]
        == _json(root, "curated_training_texts.json")["chunk_texts"][0]["instruction_1"]
    )
    assert (first["captioner"], first["model"], first["status"], first["error"]) == ("template", "", "ok", "")
    assert set(table["embodiment_type"]) == {"robot_gripper"}
    cube = table[table["episode_id"] == "ur3_sim/clip_b"].iloc[0]
    assert list(cube["objects"]) == ["red cube", "bowl"]


def test_writing_twice_gives_equal_bytes_and_the_witness_names_every_episode(root: Path) -> None:
    for name in ("first", "second"):
        _run(root, name=name)
    assert sha256_of_tree(root / "first") == sha256_of_tree(root / "second")
    witness = json.loads((root / "first/contents.json").read_text())
    assert set(witness) == {"ur3_sim/clip_a", "ur3_sim/clip_b", "captions.parquet"}
    assert witness["ur3_sim/clip_a"] == sha256_of_tree(root / "first/ur3_sim/clip_a")


def test_what_a_killed_run_left_is_swept_and_nothing_else(root: Path) -> None:
    (root / ".captions.x1y2z3/ur3_sim").mkdir(parents=True)
    (root / ".captions_of_mine").mkdir()
    _run(root)
    assert {path.name for path in root.iterdir() if path.name.startswith(".")} == {".captions_of_mine"}


def test_no_episodes_give_an_empty_table_with_all_columns(tmp_path: Path) -> None:
    assert _run(tmp_path).n_episodes == 0
    assert list(pd.read_parquet(tmp_path / "captions/captions.parquet").columns) == list(files.COLUMNS)


def test_a_dropped_noise_rule_is_logged_and_counted(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    totals = _run(root, CaptionsParams(max_keypoints_per_frame=1))
    assert set(totals.notes) == {"ur3_sim/clip_a", "ur3_sim/clip_b"}
    assert "ur3_sim/clip_a: " in caplog.text
    assert "cut without the noisy-frame rule" in caplog.text
    assert "rows or more" in _json(root, "curated/segments_meta.json")["note"]


def test_a_model_s_captions_carry_its_name_and_what_it_was_shown(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = _with_model(monkeypatch, root, SaidModel(lambda _: json.dumps(GOOD_CAPTION)))
    totals = _run(root, params)
    assert totals.summary(params)["n_texts_by_status"] == {"ok": 8, "fallback": 0, "failed": 0}
    table = pd.read_parquet(root / "captions/captions.parquet")
    assert set(table["captioner"]) == {"local_vlm"}
    assert set(table["licence"]) == {"apache-2.0"}
    assert set(table["instruction_1"]) == {GOOD_CAPTION["instruction_1"]}
    frames = _json(root, "curated_captions.json")["chunks"][0]["frames"]
    folder = root / "captions/ur3_sim/clip_a"
    assert frames["first_frame"] == "curated/frames/chunk_000_first.png"
    for key in ("first_frame", "middle_frame", "last_frame", "mask", "overlay"):
        assert (folder / frames[key]).read_bytes().startswith(b"\x89PNG")
    assert _json(root, "curated/chunk_captions/chunk_000.json")["objects"] == ["red cube"]
    assert _json(root, "curated_training_texts.json")["chunk_texts"][0]["used_middle_frame"] is True


def _fails_for_the_second_event(prompt: Prompt) -> str:
    return "no idea" if "Event 2 of 3" in str(prompt.parts[0]) else json.dumps(GOOD_CAPTION)


def test_a_failure_becomes_a_template_that_is_called_one(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = _with_model(monkeypatch, root, SaidModel(_fails_for_the_second_event))
    totals = _run(root, params)
    table = pd.read_parquet(root / "captions/captions.parquet").query("episode_id == 'ur3_sim/clip_a'")
    fallen = table[table["status"] == "fallback"]
    # the event itself, and every window that holds it: both pairs and the triple
    assert list(fallen["kind"]) == ["chunk", "merged", "merged", "merged"]
    assert set(fallen["captioner"]) == {"template"}
    assert set(fallen["model"]) == {""}
    assert fallen.iloc[0]["error"] == "unusable answer: the answer is not valid JSON"
    assert fallen.iloc[1]["error"] == "an event of this window has no caption of the model"
    assert not fallen["instruction_1"].str.contains("lifts a red cube").any()
    assert totals.count("ok") + totals.count("fallback") == 8
    chunk = _json(root, "curated_captions.json")["chunks"][1]
    assert chunk["caption"]["_raw"] == "no idea"
    assert chunk["used_middle_frame"] is False


def test_without_fallback_a_failed_text_is_in_no_training_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = _with_model(monkeypatch, root, SaidModel(_fails_for_the_second_event))
    totals = _run(root, params.model_copy(update={"fallback": "none"}))
    assert totals.summary(params)["n_texts_by_status"] == {"ok": 4, "fallback": 0, "failed": 4}
    training = _json(root, "curated_training_texts.json")
    assert [record["chunk_id"] for record in training["chunk_texts"]] == [0, 2]
    assert training["merged_texts"] == []
    debug = _json(root, "curated_captions.json")
    assert debug["chunks"][1]["error"] == "unusable answer: the answer is not valid JSON"
    assert [window["instruction_1"] for window in debug["merged_windows"]] == ["", "", ""]
    table = pd.read_parquet(root / "captions/captions.parquet")
    failed = table[table["status"] == "failed"]
    assert len(failed) == 4
    assert set(failed["captioner"]) == {"local_vlm"}
    assert (failed["error"] != "").all()
    assert list(failed.iloc[0][["start_idx", "end_idx"]]) == [41, 79]


def test_nothing_said_and_no_fallback_is_an_error_that_leaves_the_old_captions(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(root)
    before = sha256_of_tree(root / "captions")
    params = _with_model(monkeypatch, root, SaidModel(lambda _: "[]"))
    with pytest.raises(CaptionError, match="described none of 8 events and windows: unusable answer: the"):
        _run(root, params.model_copy(update={"fallback": "none"}))
    assert sha256_of_tree(root / "captions") == before
    assert sorted(path.name for path in root.iterdir() if path.name.startswith(".")) == []
