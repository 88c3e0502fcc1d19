"""Known errors give known numbers; what one episode cannot tell is null."""

import dataclasses

import numpy as np
import pytest

from mu0.evaluation.policies.action_scores import score_actions
from mu0.evaluation.policies.held_out_actions import Windows
from mu0.policy.embodiment import UR3

SPREAD = np.array([1.0, 2.0, 1.0, 1.0, 1.0])


def windows(episode: list[str], policy_off: float = 0.0) -> Windows:
    """The policy is off by as much as is said, holding by 0.5 in dimension 1, the mean by 2 in all."""
    rng = np.random.default_rng(0)
    recorded = rng.normal(size=(len(episode), 4, 5))
    recorded[..., 4] = rng.integers(0, 2, (len(episode), 4))
    held = recorded.copy()
    held[..., 1] += 0.5
    planned = {"policy": recorded + policy_off, "hold": held, "mean_chunk": recorded + 2}
    return Windows(planned, recorded, np.array(episode), np.arange(len(episode)) % 2 == 0)


def test_a_policy_that_does_what_was_done_has_no_error() -> None:
    scores = score_actions(windows(["a"] * 6 + ["b"] * 6), UR3, SPREAD)
    assert scores["in_spreads"]["policy"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert scores["per_dimension"]["y_m"]["hold"]["mean"] == pytest.approx(0.5)
    assert scores["per_dimension"]["x_m"]["hold"]["mean"] == 0
    assert scores["in_spreads"]["hold"]["mean"] == pytest.approx(0.25 / 5)
    assert scores["in_spreads"]["mean_chunk"]["mean"] == pytest.approx((4 * 2 + 1) / 5)
    assert scores["in_spreads"]["policy_minus_hold"]["high"] == pytest.approx(-0.05)
    assert scores["gripper_f1"]["all"]["policy"]["mean"] == 1.0
    assert (scores["n_windows"], scores["n_episodes"]) == (12, 2)


def test_errors_are_told_by_step() -> None:
    given = windows(["a", "b"])
    given.planned["policy"][:, 3, 0] += 0.1
    steps = score_actions(given, UR3, SPREAD)["per_step"]["policy"]
    np.testing.assert_allclose(steps["by_dimension"]["x_m"], [0, 0, 0, 0.1], atol=1e-12)
    np.testing.assert_allclose(steps["in_spreads"], [0, 0, 0, 0.02], atol=1e-12)


def test_the_replay_counts_each_command_once() -> None:
    given = windows(["a"] * 4)
    given.planned["policy"][1::2] += 100  # windows between the replayed ones
    replay = score_actions(given, UR3, SPREAD)["replay"]
    assert replay["n_commands"] == 2 * 4
    assert replay["in_spreads"]["policy"] == 0


def test_one_episode_has_no_interval() -> None:
    scores = score_actions(windows(["a"] * 6, policy_off=0.1), UR3, SPREAD)
    for row in (scores["in_spreads"]["policy"], scores["per_dimension"]["x_m"]["policy_minus_hold"]):
        assert row["mean"] is not None
        assert row["low"] is row["high"] is None
    assert scores["gripper_f1"]["all"]["policy"]["low"] is None


def test_f1_is_twice_the_agreement_over_all_that_either_says() -> None:
    given = windows(["a", "a", "b", "b"])
    given.recorded[..., 4] = np.array([[1, 1, 0, 0]] * 4)
    given.planned["policy"][..., 4] = np.array([[0, 1, 1, 1]] * 4)
    given.planned["hold"][..., 4] = 0
    f1 = score_actions(given, UR3, SPREAD)["gripper_f1"]["gripper"]
    assert f1["policy"]["mean"] == pytest.approx(2 * 1 / (3 + 2))
    assert f1["hold"]["mean"] == 0


def test_where_nothing_ever_closes_f1_is_null() -> None:
    given = windows(["a", "b"])
    for actions in (given.recorded, *given.planned.values()):
        actions[..., 4] = 0
    assert score_actions(given, UR3, SPREAD)["gripper_f1"]["all"]["policy"]["mean"] is None
    without = dataclasses.replace(UR3, grippers=())
    assert score_actions(given, without, SPREAD)["gripper_f1"] is None
