"""Captions: every event has texts, they hold the source's words, and claim only measured motion."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mu0.episodes.arrays import EpisodeArrays
from mu0.episodes.read import Episode, read_episode
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.write import write_episode
from mu0.files import sha256_of_tree
from mu0.geometry.camera import project
from mu0.params.extract import CaptionsParams, ExtractParams
from mu0.traceextract.captions import caption_episode, motion_phrases, skill_labels
from mu0.traceextract.captions_files import write_captions
from mu0.traceextract.captions_motion import Motion, measure
from mu0.traceextract.sampling import sample_traces
from mu0.traceextract.tracks import WorldTracks

TASK = "put the red cube into the bowl"
SIZE_PX = (100, 100)
INTRINSICS = np.array([[100.0, 0, 50], [0, 100, 50], [0, 0, 1]])
PARAMS = CaptionsParams(min_chunk_len=12)
N_FRAMES = 40
SKILLS = {
    "reach", "grasp", "lift", "transport", "place", "release", "push", "pull", "rotate", "open_close",
    "reposition", "unknown",
}  # fmt: skip


def _episode(folder: Path, way_m: np.ndarray, *, joint: bool = False, task: str = TASK) -> Episode:
    """Two entities of three points each; the first one goes `way_m`, the other one too if `joint`."""
    rng = np.random.default_rng(0)
    start = rng.uniform([-0.05, -0.05, 1], [0.05, 0.05, 1.1], (6, 3))
    share = np.zeros((N_FRAMES, 6))
    share[:, :3] = np.linspace(0, 1, N_FRAMES)[:, None]
    if joint:
        share[:, 3:] = share[:, :3]
    points = (start + share[..., None] * way_m).astype(np.float32)
    shape = (N_FRAMES, 6)
    tracks = WorldTracks(
        points_world=points,
        uv_px=project(points, INTRINSICS)[..., :2],
        visible=np.ones(shape, bool),
        confidence=np.ones(shape, np.float32),
        query_frame=np.zeros(6, np.int32),
        entity=np.repeat([0, 1], 3).astype(np.int32),
        is_moving=np.ones(6, bool),
        intrinsics=INTRINSICS,
        camera_from_world=np.tile(np.eye(4), (N_FRAMES, 1, 1)),
        pose_source="given",
    )
    sampled = sample_traces(tracks, SIZE_PX, ExtractParams(future_len=40, history_len=16))
    arrays = EpisodeArrays(
        images=np.zeros((N_FRAMES, *SIZE_PX, 3), np.uint8),
        depth_m=np.ones((N_FRAMES, *SIZE_PX), np.float16),
        intrinsics=np.tile(INTRINSICS.astype(np.float32), (N_FRAMES, 1, 1)),
        camera_from_world=np.tile(np.eye(4, dtype=np.float32), (N_FRAMES, 1, 1)),
        acceleration=np.zeros(N_FRAMES, np.float32),
        samples=sampled.samples,
    )
    sidecar = Sidecar(
        "ur3_sim", folder.name, "scene", "ur3", task, "CC0-1.0", True, "", 10.0, tuple(range(N_FRAMES)),
        is_3d=True, pose_source="given", backends={}, versions={}, retiming=sampled.retiming,
    )  # fmt: skip
    write_episode(folder, arrays, sidecar)
    return read_episode(folder)


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
    motion = measure(_episode(tmp_path / "a", np.array(way)), 0, N_FRAMES - 1)
    assert motion.directions == words
    assert motion.distance == pytest.approx(np.linalg.norm(way), rel=0.02)
    assert motion.n_movers == 1
    assert not motion.is_joint
    assert motion.then == ()


def test_entities_that_move_alike_are_carried(tmp_path: Path) -> None:
    motion = measure(_episode(tmp_path / "a", np.array([0, -0.2, 0]), joint=True), 0, N_FRAMES - 1)
    assert motion.is_joint
    assert skill_labels(motion, is_last=False) == ["grasp", "lift"]
    assert motion_phrases(motion) == ["carry it up"]


def test_a_motion_within_the_noise_is_no_motion(tmp_path: Path) -> None:
    motion = measure(_episode(tmp_path / "a", np.array([0.019, 0, 0])), 0, N_FRAMES - 1)
    assert motion == Motion()
    assert motion_phrases(motion) == ["hold still"]
    assert skill_labels(motion, is_last=True) == ["unknown"]


def test_a_return_is_told_as_two_movements() -> None:
    motion = Motion(directions=("down",), then=("up", "left"), distance=0.1, n_movers=1)
    assert motion_phrases(motion) == ["move down", "move up and left"]


def test_every_text_holds_the_words_of_the_source(tmp_path: Path) -> None:
    captions = caption_episode(_episode(tmp_path / "a", np.array([-0.2, 0, 0])), PARAMS)
    for record in [*captions.chunk_texts, *captions.merged_texts]:
        texts = [str(record[f"instruction_{i}"]) for i in (1, 2, 3)]
        assert all(TASK in text for text in texts)
        assert len(set(texts)) == 3
    assert captions.chunk_texts[0]["instruction_1"] == f"{TASK}: the robot gripper moves left"
    assert captions.chunk_texts[0]["instruction_2"] == f"{TASK}: move left"


def test_without_instruction_the_texts_tell_the_motion_and_admit_the_doubt(tmp_path: Path) -> None:
    captions = caption_episode(_episode(tmp_path / "a", np.array([-0.2, 0, 0]), task=""), PARAMS)
    record = captions.chunk_texts[0]
    assert record["instruction_1"] == "the robot gripper moves left"
    assert record["instruction_2"] == "move left"
    flags = record["hallucination_flags"]
    assert flags == {
        "contact_claim_without_clear_evidence": False,
        "object_identity_uncertain": True,
        "embodiment_uncertain": False,
    }


def test_every_frame_has_a_caption_and_records_have_the_official_keys(tmp_path: Path) -> None:
    episode = _episode(tmp_path / "a", np.array([0.2, 0, 0]))
    captions = caption_episode(episode, PARAMS)
    covered = {
        f for c in captions.chunk_texts for f in range(int(str(c["start_idx"])), int(str(c["end_idx"])) + 1)
    }
    assert covered == set(range(N_FRAMES))
    for record in captions.chunk_texts:
        assert list(record) == [
            "chunk_id", "start_idx", "end_idx", "instruction_1", "instruction_2", "instruction_3",
            "embodiment_type", "task_type", "skill_labels", "hallucination_flags", "used_middle_frame",
            "complexity_tier",
        ]  # fmt: skip
        labels = record["skill_labels"]
        assert isinstance(labels, list)
        assert set(labels) <= SKILLS
        assert 1 <= len(labels) <= 2
    for record in captions.merged_texts:
        assert list(record) == [
            "merge_type", "source_chunk_ids", "start_idx", "end_idx", "instruction_1", "instruction_2",
            "instruction_3", "skill_labels", "timeline",
        ]  # fmt: skip


def test_an_episode_of_noisy_frames_or_without_samples_still_has_a_text(tmp_path: Path) -> None:
    episode = _episode(tmp_path / "a", np.array([0.2, 0, 0]))
    noisy = caption_episode(episode, PARAMS.model_copy(update={"max_keypoints_per_frame": 1}))
    assert [(c["start_idx"], c["end_idx"]) for c in noisy.chunk_texts] == [(0, N_FRAMES - 1)]
    empty = caption_episode(replace(episode, samples=None), PARAMS)
    assert TASK in str(empty.chunk_texts[0]["instruction_1"])


def test_files_are_official_and_the_table_repeats_them(tmp_path: Path) -> None:
    root = tmp_path / "traces"
    _episode(root / "ur3_sim" / "clip_b", np.array([0.2, 0, 0]))
    _episode(root / "ur3_sim" / "clip_a", np.array([0, -0.2, 0]), task="größer")
    n_records = write_captions(root, tmp_path / "captions", PARAMS)
    text = (tmp_path / "captions/ur3_sim/clip_a/curated_training_texts.json").read_text()
    assert text.isascii()
    content = json.loads(text)
    assert list(content) == ["video_id", "n_frames", "chunk_texts", "merged_texts"]
    assert (content["video_id"], content["n_frames"]) == ("clip_a", N_FRAMES)
    table = pd.read_parquet(tmp_path / "captions/captions.parquet")
    assert len(table) == n_records
    assert list(table["episode_id"].unique()) == ["ur3_sim/clip_a", "ur3_sim/clip_b"]
    first = table.iloc[0]
    assert first["instruction_1"] == content["chunk_texts"][0]["instruction_1"]
    assert set(table["kind"]) == {"chunk", "merged"}
    assert set(table["embodiment_type"]) == {"robot_gripper"}


def test_writing_twice_gives_equal_bytes(tmp_path: Path) -> None:
    _episode(tmp_path / "traces/ur3_sim/clip", np.array([0.2, 0, 0]))
    for name in ("first", "second"):
        write_captions(tmp_path / "traces", tmp_path / name, PARAMS)
    assert sha256_of_tree(tmp_path / "first") == sha256_of_tree(tmp_path / "second")


def test_no_episodes_give_an_empty_table_with_all_columns(tmp_path: Path) -> None:
    assert write_captions(tmp_path / "absent", tmp_path / "captions", PARAMS) == 0
    assert "instruction_3" in pd.read_parquet(tmp_path / "captions/captions.parquet").columns
