"""Seeds decide everything; looking changes nothing; success needs a lift and an open gripper."""

import numpy as np
import pytest

from mu0.envs.ur3.environment import Ur3Environment
from mu0.errors import SimulationError

FORWARD = np.array([0.3, 0.0, 0.2, 0.1, 1.0])


def test_equal_seeds_repeat_to_the_last_bit_and_others_differ(environment: Ur3Environment) -> None:
    environment.reset(4)
    first = environment.step(FORWARD)[0]
    other = environment.reset(5)
    environment.reset(4)
    again = environment.step(FORWARD)[0]
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.wrist_image, again.wrist_image)
    np.testing.assert_array_equal(first.proprioception, again.proprioception)
    assert first.instruction == again.instruction
    assert not np.array_equal(first.image, other.image)


def test_looking_changes_nothing(environment: Ur3Environment, blind_environment: Ur3Environment) -> None:
    environment.reset(4)
    blind_environment.reset(4)
    for _ in range(3):
        environment.step(FORWARD)
        blind_environment.step(FORWARD)
    np.testing.assert_array_equal(environment.data.qpos, blind_environment.data.qpos)


def test_the_arm_reaches_what_is_commanded(blind_environment: Ur3Environment) -> None:
    blind_environment.reset(4)
    for _ in range(20):
        observation, _ = blind_environment.step(FORWARD)
    state = observation.proprioception
    assert state is not None
    np.testing.assert_allclose(state[:5], FORWARD, atol=1e-6)
    np.testing.assert_allclose(state[6:], FORWARD[:3], atol=0.004)
    assert state[5] > 0.9  # closed


def test_commands_are_kept_in_the_workspace(blind_environment: Ur3Environment) -> None:
    blind_environment.reset(4)
    for _ in range(30):
        blind_environment.step(np.array([9.0, 9.0, -9.0, 0.0, 0.0]))
    assert blind_environment.command[2] >= 0.012 - 1e-9
    assert np.abs(blind_environment.command[:2]).max() <= 0.48 + 1e-9


def test_an_object_that_was_never_lifted_is_no_success(blind_environment: Ur3Environment) -> None:
    blind_environment.reset(4)
    joint = blind_environment.data.joint(blind_environment.target.kind)
    joint.qpos[:3] = [*blind_environment.layout.sink_xy_m, 0.05]
    joint.qvel[:] = 0
    assert not blind_environment.is_success()
    blind_environment.was_lifted = True
    assert blind_environment.is_success()
    blind_environment.command[4] = 1.0
    assert not blind_environment.is_success()


def test_a_broken_action_is_an_error_with_a_remedy(blind_environment: Ur3Environment) -> None:
    blind_environment.reset(4)
    with pytest.raises(SimulationError, match=r"(?s)nan.*is not finite.*normalization statistics"):
        blind_environment.step(np.array([np.nan, 0, 0, 0, 0]))
