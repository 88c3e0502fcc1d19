"""Evaluation samples: fixed, spread over the episode, true to what is stored."""

import numpy as np
import pandas as pd
import pytest

from mu0.dataset.evaluation import EvaluationProtocol, EvaluationSample, read_evaluation_samples
from mu0.dataset.index import read_slots
from mu0.episodes.read import read_episode
from mu0.errors import DatasetError
from tests.mu0.dataset.tiny_dataset import SHAPE, TinyDataset


def read(tiny: TinyDataset, protocol: EvaluationProtocol, split: str = "test") -> list[EvaluationSample]:
    slots = read_slots(tiny.folder / "index.parquet")
    return read_evaluation_samples(slots[slots["split"] == split], tiny.episodes, tiny.captions, protocol)


def test_frames_are_spread_over_the_anchors(tiny: TinyDataset) -> None:
    found = read(tiny, EvaluationProtocol(SHAPE, frames_per_episode=2))
    frames = pd.DataFrame([{"episode": s.episode_id, "frame": s.frame_index} for s in found])
    assert set(frames.groupby("episode")["frame"].apply(tuple)) == {(1, 4)}  # anchors are 1, 2 and 4


def test_official_protocol_takes_the_fifth_ninth_and_thirteenth_anchor(tiny: TinyDataset) -> None:
    with pytest.raises(DatasetError, match="no held-out frame"):
        read(tiny, EvaluationProtocol(SHAPE), split="nothing")
    assert read(tiny, EvaluationProtocol(SHAPE, frames="official")) == []  # three anchors only


def test_truth_history_and_camera_are_those_of_the_episode(tiny: TinyDataset) -> None:
    sample = read(tiny, EvaluationProtocol(SHAPE, n_queries=99))[0]
    episode = read_episode(tiny.episodes / sample.episode_id)
    assert episode.samples is not None
    rows = np.arange(15)[episode.slot(sample.frame_index)][:4]  # the fifth row is too short
    scale = np.array([2 / 32, 2 / 24, 1])
    stored = episode.samples.traj[rows, :13].astype(float) * scale - [1, 1, 0]
    np.testing.assert_allclose(sample.queries.anchor_uvz, stored[:, 0], atol=1e-6)
    np.testing.assert_array_equal(sample.valid, episode.samples.valid_steps[rows, 1:13])
    np.testing.assert_allclose(sample.truth_uvz[sample.valid], stored[:, 1:][sample.valid], atol=1e-6)
    past = sample.queries.history_uvz
    assert past is not None
    assert np.isnan(past[:, :2]).all()
    assert np.isfinite(past[:, 2:]).all()
    np.testing.assert_allclose(
        past[:, 3], episode.samples.traj_history[rows, 1].astype(float) * scale - [1, 1, 0], atol=1e-6
    )
    np.testing.assert_array_equal(sample.observation.image, episode.images[sample.frame_index])
    assert sample.observation.depth_m is not None
    assert sample.size_px == (24, 32)


def test_the_choice_is_fixed_by_the_seed(tiny: TinyDataset) -> None:
    first, again = (read(tiny, EvaluationProtocol(SHAPE, n_queries=2)) for _ in range(2))
    other = read(tiny, EvaluationProtocol(SHAPE, n_queries=2, seed=1))
    assert all(np.array_equal(a.truth_uvz, b.truth_uvz) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a.truth_uvz, b.truth_uvz) for a, b in zip(first, other, strict=True))
    assert {len(sample.truth_uvz) for sample in first} == {2}


def test_an_episode_without_depth_is_asked_about_too(tiny: TinyDataset) -> None:
    flat = [sample for sample in read(tiny, EvaluationProtocol(SHAPE), "train") if not sample.is_3d]
    assert len(flat) == 3
    assert flat[0].observation.depth_m is None
    assert (flat[0].truth_uvz[..., 2] == 0).all()
