"""A script ends, wherever it is sent."""

import numpy as np

from mu0.envs.ur3.arm_world import WORKSPACE_M
from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.script import Phase, follow


def test_a_phase_beyond_the_workspace_ends_at_its_border(blind_environment: Ur3Environment) -> None:
    blind_environment.reset(0)
    beyond = Phase("reach", np.array([0.3, 2.0, -1.0, 0.2]), closed=False, speed_m_s=0.2)
    commands = []
    for _, _, executed in follow([beyond], blind_environment):
        blind_environment.advance(executed)
        commands.append(executed)
        assert len(commands) < 60
    np.testing.assert_allclose(commands[-1], [0.3, WORKSPACE_M[1, 1], WORKSPACE_M[2, 0], 0.2, 0.0], atol=1e-9)
