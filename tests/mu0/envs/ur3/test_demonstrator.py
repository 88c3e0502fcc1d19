"""The scripted expert succeeds, also when it is disturbed."""

import numpy as np
import pytest

from mu0.envs.ur3.demonstrator import demonstrate, demonstrate_by_phase
from mu0.envs.ur3.environment import Ur3Environment


def test_the_recorded_action_is_the_executed_one_unless_disturbed(blind_environment: Ur3Environment) -> None:
    blind_environment.reset(0)
    for wanted, executed in demonstrate(blind_environment):
        np.testing.assert_array_equal(wanted, executed)
        blind_environment.advance(executed)
        np.testing.assert_allclose(blind_environment.command, wanted, atol=1e-9)
    assert blind_environment.is_success()


def test_the_object_goes_where_a_phase_says_that_it_is_held(blind_environment: Ur3Environment) -> None:
    blind_environment.reset(0)
    way_m: dict[str, float] = {}
    for phase, _, executed in demonstrate_by_phase(blind_environment):
        before = blind_environment.target_position_m()
        blind_environment.advance(executed)
        moved_m = float(np.linalg.norm(blind_environment.target_position_m() - before))
        way_m[phase] = way_m.get(phase, 0.0) + moved_m
    assert list(way_m) == ["reach", "grasp", "lift", "transport", "place", "release", "retreat"]
    assert min(way_m[name] for name in ("lift", "transport", "place")) > 0.05
    assert max(way_m[name] for name in ("reach", "grasp", "retreat")) < 0.01


@pytest.mark.slow
def test_disturbed_demonstrations_succeed(blind_environment: Ur3Environment) -> None:
    n_disturbed = 0
    for seed in range(4):
        blind_environment.reset(seed)
        for wanted, executed in demonstrate(blind_environment, np.random.default_rng(seed)):
            n_disturbed += not np.array_equal(wanted, executed)
            blind_environment.advance(executed)
        assert blind_environment.is_success(), blind_environment.instruction
    assert n_disturbed > 0
