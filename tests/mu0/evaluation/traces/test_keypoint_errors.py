"""Errors per keypoint: metres after unprojection, best of S, and no metres where there is no depth."""

import numpy as np
import pandas as pd
import pytest

from mu0.evaluation.traces.keypoint_errors import column, keypoint_errors, keypoint_table
from mu0.evaluation.traces.predictions import Method, predict_all
from tests.mu0.evaluation.questions import N_STEPS, QUESTIONS, OffsetPredictor


@pytest.fixture(scope="module")
def errors() -> pd.DataFrame:
    keypoints = keypoint_table(QUESTIONS, moving_threshold_uv=0.05)
    predictions = predict_all(Method("offset", OffsetPredictor(), sees_history=False), QUESTIONS, 2, seed=0)
    return keypoint_errors(QUESTIONS, keypoints, predictions, (4, N_STEPS))


def test_official_column_names() -> None:
    assert column("frechet", "uvz") == "frechet_uvz"
    assert [column(name, "uv", 5) for name in ("ade", "fde", "dtw", "frechet")] == [
        "minADE_5_uv", "minFDE_5_uv", "minDTW_5_uv", "minFrechet_5_uv",
    ]  # fmt: skip


def test_an_offset_in_u_is_an_offset_in_metres_at_the_depth_of_the_point(errors: pd.DataFrame) -> None:
    first = errors[(errors["keypoint"] == 0) & (errors["horizon"] == N_STEPS)].iloc[0]  # does not move
    z_m = QUESTIONS[0].queries.anchor_uvz[0, 2]
    assert first["ade_uv"] == pytest.approx(0.1)
    assert first["ade_m"] == pytest.approx(0.1 / 2 * 40 / 50 * z_m)
    assert first["ade_depth"] == 0
    assert first["ade_uvz"] == pytest.approx(first["ade_uv"])


def test_best_of_two_is_the_better_sample(errors: pd.DataFrame) -> None:
    np.testing.assert_allclose(errors["minADE_2_uv"], 0.1)
    assert set(errors["ade_uv"].round(6)) == {0.1, 0.2}  # sample 0 is the worse one for odd seeds


def test_moving_points_are_marked_and_still_ones_not(errors: pd.DataFrame) -> None:
    longest = errors[errors["horizon"] == N_STEPS]
    assert (~longest.groupby("sample")["is_moving"].first()).all()
    assert longest["is_moving"].sum() == 2 * len(QUESTIONS)


def test_without_depth_only_the_image_errors_exist(errors: pd.DataFrame) -> None:
    flat = errors[errors["source"] == "phone"]
    assert flat[["ade_uvz", "ade_depth", "ade_m", "minADE_2_m"]].isna().all(axis=None)
    assert flat["ade_uv"].notna().all()
