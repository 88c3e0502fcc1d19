"""One goal, or none."""

import numpy as np
import pytest

from mu0.trace_policy.agreement import AgreementSetting, agree
from mu0.trace_policy.embodiment import half_turn

GOAL = np.array([0.3, -0.1, 0.02, 0.4])
SETTING = AgreementSetting()


def test_one_sample_agrees_with_itself() -> None:
    agreed = agree([GOAL], SETTING)
    assert agreed is not None
    np.testing.assert_allclose(agreed.goal, GOAL)


def test_an_outlier_is_outvoted_and_does_not_pull() -> None:
    agreed = agree([GOAL, np.add(GOAL, [0.2, 0, 0, 0]), GOAL, GOAL], SETTING)
    assert agreed is not None
    np.testing.assert_allclose(agreed.goal, GOAL)
    assert agreed.sample != 1


def test_two_camps_of_equal_size_are_no_answer() -> None:
    other = np.add(GOAL, [0.1, 0, 0, 0])
    assert agree([GOAL, other, GOAL, other], SETTING) is None


def test_samples_without_a_goal_count_against_it() -> None:
    assert agree([GOAL, None, None, None], SETTING) is None
    assert agree([None], SETTING) is None


def test_yaws_on_both_sides_of_half_a_turn_are_neighbours() -> None:
    around = [GOAL * [1, 1, 1, 0] + [0, 0, 0, np.pi - 0.1], GOAL * [1, 1, 1, 0] + [0, 0, 0, -np.pi + 0.1]]
    agreed = agree(around, SETTING)
    assert agreed is not None
    assert abs(half_turn(agreed.goal[3:] - np.pi))[0] == pytest.approx(0, abs=1e-9)


def test_where_only_the_yaws_differ_the_tool_keeps_its_own() -> None:
    turned = [np.add(GOAL, [0, 0, 0, yaw]) for yaw in (-1.2, -0.5, 0.5, 1.2)]
    agreed = agree(turned, SETTING, yaw_now=0.7)
    assert agreed is not None
    np.testing.assert_allclose(agreed.goal, [*GOAL[:3], 0.7])
