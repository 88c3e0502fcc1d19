"""Normalise and denormalise are one pair; shifting the commanded frame changes nothing the network sees."""

import json
from pathlib import Path

import numpy as np
import pytest

from mu0.errors import CheckpointError
from mu0.policy.embodiment import UR3, Embodiment
from mu0.policy.normalization import (
    absolute_from_command,
    fit_normalization,
    read_normalization,
    relative_to_command,
    write_normalization,
)


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(50, 9)).astype(np.float32), rng.normal(size=(50, 16, 5)).astype(np.float32)


def test_denormalize_undoes_normalize() -> None:
    states, chunks = data()
    normalization = fit_normalization(states, chunks)
    normalized = normalization.normalize_actions(chunks, states)
    np.testing.assert_allclose(normalization.denormalize_actions(normalized, states), chunks, atol=1e-5)


def test_normalized_data_have_mean_zero_and_spread_one() -> None:
    states, chunks = data()
    normalization = fit_normalization(states, chunks)
    normalized = normalization.normalize_actions(chunks, states).reshape(-1, 5)
    np.testing.assert_allclose(normalized.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(normalized.std(0), 1, atol=1e-5)
    np.testing.assert_allclose(normalization.normalize_state(states).std(0), 1, atol=1e-5)


def test_shifting_command_and_actions_together_changes_nothing() -> None:
    states, chunks = data()
    shift = np.array([0.1, -0.2, 0.05, 0.7], np.float32)
    shifted_states, shifted_chunks = states.copy(), chunks.copy()
    shifted_states[:, :4] += shift
    shifted_chunks[..., :4] += shift
    np.testing.assert_allclose(
        relative_to_command(shifted_chunks, shifted_states), relative_to_command(chunks, states), atol=1e-6
    )


def test_gripper_stays_absolute() -> None:
    states, chunks = data()
    np.testing.assert_array_equal(relative_to_command(chunks, states)[..., 4], chunks[..., 4])


def test_absolute_undoes_relative() -> None:
    states, chunks = data()
    relative = relative_to_command(chunks, states)
    np.testing.assert_allclose(absolute_from_command(relative, states), chunks, atol=1e-6)


def test_constant_dimension_does_not_explode() -> None:
    states, chunks = data()
    chunks[..., 4] = 1.0
    normalization = fit_normalization(states, chunks)
    assert normalization.action_std[4] == UR3.action_floor[4]
    chunks[0, 0, 4] += 1e-3
    assert abs(normalization.normalize_actions(chunks, states)[0, 0, 4]) < 0.11


def two_joints() -> Embodiment:
    return Embodiment(
        name="two joints and an increment",
        rate_hz=30.0,
        cameras=("top",),
        state_names=("b", "a"),
        action_names=("a", "b", "dz"),
        action_kinds=("relative", "relative", "delta"),
        relative_to=(1, 0, None),
        grippers=(),
        state_floor=(0.5, 0.5),
        action_floor=(0.1, 0.1, 3.0),
        keyframe_scale=(1.0, 1.0),
    )


def test_each_target_is_told_from_its_own_state_and_increments_from_none() -> None:
    state, chunk = np.array([[10.0, 1.0]]), np.array([[[1.5, 10.25, 7.0]]])
    relative = relative_to_command(chunk, state, two_joints())
    np.testing.assert_allclose(relative, [[[0.5, 0.25, 7.0]]])
    np.testing.assert_allclose(absolute_from_command(relative, state, two_joints()), chunk)


def test_floors_are_those_of_the_embodiment() -> None:
    rng = np.random.default_rng(0)
    fitted = fit_normalization(rng.normal(0, 1e-3, (50, 2)), rng.normal(0, 1e-3, (50, 4, 3)), two_joints())
    assert fitted.state_std == (0.5, 0.5)
    assert fitted.action_std == (0.1, 0.1, 3.0)


def test_statistics_of_another_robot_are_refused(tmp_path: Path) -> None:
    normalization = fit_normalization(*data())
    write_normalization(tmp_path / "normalization.json", normalization)
    with pytest.raises(CheckpointError, match=r"9 states and 5 actions(.|\n)*has 2 and 3"):
        read_normalization(tmp_path / "normalization.json", normalization.sha256(), two_joints())


def test_file_round_trip(tmp_path: Path) -> None:
    normalization = fit_normalization(*data())
    write_normalization(tmp_path / "normalization.json", normalization)
    assert read_normalization(tmp_path / "normalization.json", normalization.sha256()) == normalization


def test_changed_statistics_are_refused(tmp_path: Path) -> None:
    normalization = fit_normalization(*data())
    path = tmp_path / "normalization.json"
    path.write_text(json.dumps(normalization.statistics | {"state_mean": [0.0] * 9}))
    with pytest.raises(CheckpointError, match=f"expected: {normalization.sha256()[:12]}, which meta.json"):
        read_normalization(path, normalization.sha256())


def test_missing_statistics_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="weights without their statistics are useless"):
        read_normalization(tmp_path / "normalization.json", "0" * 64)
