"""Official aggregate values on golden arrays, worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from mu0.evaluation.traces.official_metrics import official_metrics, write_official_metrics
from mu0.files import read_json
from tests.mu0.evaluation.questions import QUESTIONS

SCALE = np.array([0.5, 0.5, 1.0])


def golden() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two samples of three trajectories over four steps; the third has no valid step.

    first: truth at rest; sample 0 is off by (0.3, 0.4, 0), sample 1 by 1.2 m in depth
    second: truth at u = 0, 1, then unknown; sample 0 rests at 0, sample 1 at 0.5
    """
    truth = np.zeros((3, 4, 3))
    truth[1, :, 0] = [0, 1, 9, 9]
    valid = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]], bool)
    predicted = np.zeros((2, 3, 4, 3))
    predicted[0, 0] = [0.3, 0.4, 0.0]
    predicted[1, 0] = [0.0, 0.0, 1.2]
    predicted[1, 1, :, 0] = 0.5
    return predicted, truth, valid


def test_golden_arrays_give_the_golden_numbers() -> None:
    numbers = official_metrics(*golden(), np.array([0, 1, 1]), SCALE)
    expected = {
        "horizon": 4, "n_samples": 2, "n_batches": 2,
        "ade_uv": 0.5, "fde_uv": 0.75, "dtw_uv": 0.5, "frechet_uv": 0.75,
        "ade_uvz": 0.5, "fde_uvz": 0.75, "dtw_uvz": 0.5, "frechet_uvz": 0.75,
        "ade_depth": 0.0, "fde_depth": 0.0, "dtw_depth": 0.0, "frechet_depth": 0.0,
        "minADE_2_uv": 0.25, "minFDE_2_uv": 0.25, "minDTW_2_uv": 0.25, "minFrechet_2_uv": 0.25,
        "minADE_2_uvz": 0.5, "minFDE_2_uvz": 0.5, "minDTW_2_uvz": 0.5, "minFrechet_2_uvz": 0.5,
        "minADE_2_depth": 0.0, "minFDE_2_depth": 0.0, "minDTW_2_depth": 0.0, "minFrechet_2_depth": 0.0,
        "l1_uv": (0.7 + 0.5) / 2, "l1_depth": 0.0, "l1_abs": 0.6, "l1_delta": 1.2,
        **{f"smooth_{kind}_{space}": 0.0 for kind in ("pred", "gt") for space in ("uv", "uvz", "depth")},
    }  # fmt: skip
    assert numbers == pytest.approx(expected)


def test_smoothness_is_the_second_difference_between_valid_neighbours() -> None:
    truth = np.zeros((1, 6, 3))
    truth[0, :, 0], truth[0, :, 2] = np.arange(6) ** 2, 5.0
    valid = np.array([[1, 1, 1, 1, 0, 1]], bool)
    predicted = np.stack([np.zeros_like(truth), truth])
    numbers = official_metrics(predicted, truth, valid, np.zeros(1, int), SCALE)
    assert (numbers["smooth_gt_uv"], numbers["smooth_gt_depth"]) == (2.0, 0.0)
    assert numbers["smooth_pred_uv"] == 1.0


def test_a_file_per_horizon_with_the_official_names(tmp_path: Path) -> None:
    truth = np.concatenate([sample.truth_uvz for sample in QUESTIONS])
    write_official_metrics(tmp_path, QUESTIONS, np.stack([truth, truth + 1]), SCALE)
    numbers = read_json(tmp_path / "metrics.json")
    assert numbers["horizon"] == truth.shape[1]
    assert numbers["minADE_2_uvz"] == numbers["fde_depth"] == 0.0
    short = [horizon for horizon in (8, 16) if horizon < truth.shape[1]]
    assert [read_json(tmp_path / f"metrics_{horizon}.json")["horizon"] for horizon in short] == short
