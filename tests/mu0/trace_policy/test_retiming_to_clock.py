"""Commands keep the limits of the tool and end at the goal."""

import numpy as np
import pytest

from mu0.trace_policy.clock import retime

WAY = np.array([[0.1, 0.0, 0.0, 0.0], [0.1, 0.2, 0.0, 1.0], [0.1, 0.2, -0.3, 1.0]])
START = np.zeros(4)


def test_no_command_is_faster_than_the_limits_and_the_last_one_is_the_goal() -> None:
    timed = retime(START, WAY, np.full(3, 0.2), turn_rad_s=1.5, rate_hz=10.0)
    steps = np.diff(np.concatenate([START[None], timed.commands]), axis=0)
    assert np.linalg.norm(steps[:, :3], axis=1).max() <= 0.02 + 1e-9
    assert np.abs(steps[:, 3]).max() <= 0.15 + 1e-9
    np.testing.assert_array_equal(timed.commands[-1], WAY[-1])
    assert len(timed.commands) == 30  # 60 cm at 2 cm per command


def test_waypoints_in_between_change_nothing() -> None:
    dense = np.stack([START + share * (WAY[0] - START) for share in np.linspace(0.1, 1, 10)])
    few = retime(START, WAY[:1], np.full(1, 0.2), 1.5, 10.0)
    many = retime(START, dense, np.full(10, 0.2), 1.5, 10.0)
    np.testing.assert_allclose(few.commands, many.commands, atol=1e-9)


@pytest.mark.parametrize("speed_m_s", [0.05, 0.1, 0.3])
def test_half_the_speed_takes_twice_the_time(speed_m_s: float) -> None:
    slow = retime(START, WAY, np.full(3, speed_m_s / 2), 100.0, 10.0)
    fast = retime(START, WAY, np.full(3, speed_m_s), 100.0, 10.0)
    assert abs(len(slow.commands) - 2 * len(fast.commands)) <= 1


def test_arrivals_tell_how_many_commands_come_before_a_waypoint() -> None:
    timed = retime(START, WAY, np.full(3, 0.2), 1.5, 10.0)
    for waypoint, n_before in zip(WAY, timed.arrives, strict=True):
        assert np.linalg.norm(timed.commands[n_before][:3] - waypoint[:3]) <= 0.02 + 1e-9


def test_a_turn_on_the_spot_takes_its_time_and_a_reached_goal_one_command() -> None:
    turn = retime(START, np.array([[0, 0, 0, 1.5]]), np.full(1, 0.2), 1.5, 10.0)
    assert len(turn.commands) == 10
    still = retime(START, START[None], np.full(1, 0.2), 1.5, 10.0)
    np.testing.assert_array_equal(still.commands, START[None])
