"""Statistics: percentiles of a case one can compute by hand, official keys, clear errors."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from mu0.dataset.statistics import NormalizerStats, compute_statistics
from mu0.episodes.read import read_episode
from mu0.errors import DatasetError
from tests.mu0.dataset.tiny_dataset import TinyDataset

OFFICIAL_KEYS = {
    "delta_scale_x", "delta_scale_y", "delta_scale_z", "percentile", "num_samples", "history_len",
    "future_len", "target_kind", "video_fraction", "depth_log_min", "depth_log_max", "depth_p1_m",
    "depth_p99_m", "depth_num_samples", "depth_num_dirs", "depth_percentile_low", "depth_percentile_high",
}  # fmt: skip


def test_scales_are_the_95th_percentile_of_all_valid_displacements(tiny: TinyDataset) -> None:
    episode = read_episode(tiny.episodes / "arm" / "clip0")
    found = compute_statistics([episode], history_len=4, future_len=12)
    samples = episode.samples
    assert samples is not None
    deltas = [
        (samples.traj[row, step].astype(float) - samples.traj_history[row, 0].astype(float))
        * (2 / 32, 2 / 24, 1)
        for row in range(samples.n_rows)
        for step in range(1, 13)
        if samples.valid_steps[row, step]
    ]
    assert found.num_samples == len(deltas)
    np.testing.assert_allclose(found.delta_scale, np.percentile(np.abs(deltas), 95, axis=0), rtol=1e-4)


def test_depth_range_is_the_first_and_last_percentile_in_logarithms(tiny: TinyDataset) -> None:
    episode = read_episode(tiny.episodes / "arm" / "clip0")
    found = compute_statistics([episode], history_len=4, future_len=12)
    assert episode.depth is not None
    low_m, high_m = np.percentile(np.asarray(episode.depth[:, ::4, ::4], float), [1, 99])
    assert found.depth_log_range == pytest.approx((math.log(low_m), math.log(high_m)), abs=1e-4)


def test_episodes_without_depth_say_nothing_about_z(tiny: TinyDataset) -> None:
    flat = read_episode(tiny.episodes / "phone" / "walk")
    deep = read_episode(tiny.episodes / "arm" / "clip0")
    alone = compute_statistics([flat], history_len=4, future_len=12)
    assert (alone.delta_scale_z, alone.depth_log_range) == (1.0, None)
    together = compute_statistics([deep, flat], history_len=4, future_len=12)
    assert together.delta_scale_z == compute_statistics([deep], history_len=4, future_len=12).delta_scale_z


def test_the_file_has_the_official_keys_and_survives_a_round_trip(
    statistics: NormalizerStats, tmp_path: Path
) -> None:
    statistics.write(tmp_path / "s.json")
    assert set(json.loads((tmp_path / "s.json").read_text())) == OFFICIAL_KEYS
    assert NormalizerStats.read(tmp_path / "s.json") == statistics


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"delta_scale_z": 0}, r"delta_scale_z = 0"),
        ({"delta_scale_x": float("nan")}, r"delta_scale_x = nan"),
        ({"target_kind": "step"}, r"target_kind 'step'"),
    ],
)
def test_impossible_values_are_named(
    statistics: NormalizerStats, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    (tmp_path / "s.json").write_text(json.dumps(statistics.to_json() | change))
    with pytest.raises(DatasetError, match=message):
        NormalizerStats.read(tmp_path / "s.json")


def test_files_that_are_no_statistics_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"s\.json is missing"):
        NormalizerStats.read(tmp_path / "s.json")
    for text, message in [("{", "is not JSON"), ("[]", "holds a list"), ('{"delta_scale_x": 1}', "no key")]:
        (tmp_path / "s.json").write_text(text)
        with pytest.raises(DatasetError, match=message):
            NormalizerStats.read(tmp_path / "s.json")
    (tmp_path / "s.json").write_text('{"depth_p1_m": 1}')
    with pytest.raises(DatasetError, match=r"lacks delta_scale_x, delta_scale_y"):
        NormalizerStats.read(tmp_path / "s.json")


def test_a_missing_target_kind_means_anchor(statistics: NormalizerStats, tmp_path: Path) -> None:
    content = statistics.to_json()
    del content["target_kind"]
    assert NormalizerStats.from_json(content, tmp_path).target_kind == "anchor"
