"""Following a script: phases with a pose, a speed and a hand, from the arm's command of the moment.

To teach recovery, the executed command is disturbed now and then while the recorded one stays what the expert
wanted at that moment (DART, Laskey et al. 2017). The next state shows the disturbance, and the script
continues from there. So `action[t]` and the command in `state[t + 1]` differ in the disturbed steps only.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mu0.envs.phases import PhaseName
from mu0.envs.ur3.arm_world import CONTROL_HZ, WORKSPACE_M, ArmWorld

TURN_SPEED_RAD_S = 1.5
NOISE_M = 0.012
NOISE_PROBABILITY = 0.12
SAME_RAD = 1e-6


@dataclass(frozen=True)
class Phase:
    """Go to a pose (x, y, z [m], angles [rad]; as far as the workspace reaches), then stay for some steps."""

    name: PhaseName
    pose: Float[np.ndarray, " pose"]
    closed: bool
    speed_m_s: float
    wait_steps: int = 0
    noise_share: float = 0.0
    turn_rad_s: float = TURN_SPEED_RAD_S


Scripted = tuple[PhaseName, Float[np.ndarray, " action"], Float[np.ndarray, " action"]]


def follow(
    plan: Iterable[Phase], environment: ArmWorld, disturbance: np.random.Generator | None = None
) -> Iterator[Scripted]:
    """Yield phase, wanted and executed action; the caller executes each before it asks for the next.

    Args:
        plan: Phases; asked for the next one when the last has ended, so it may look at the scene then.
        environment: Where they are executed.
        disturbance: Draws the disturbances; None executes what is wanted.
    """
    for phase in plan:
        waited = 0
        while waited <= phase.wait_steps:
            wanted, arrives = _towards(phase, environment.command)
            if arrives:
                waited += 1
            executed = wanted.copy()
            if disturbance is not None and not arrives:
                executed[:3] += _disturbance_m(disturbance, phase.noise_share)
                executed[2] = max(executed[2], WORKSPACE_M[2, 0])
            yield phase.name, wanted, executed


def _disturbance_m(rng: np.random.Generator, share: float) -> Float[np.ndarray, " 3"]:
    """Mostly nothing; now and then a push of about a centimetre."""
    is_disturbed = rng.random() < NOISE_PROBABILITY * share
    return rng.normal(0, NOISE_M, 3) * float(is_disturbed)


def _towards(
    phase: Phase, command: Float[np.ndarray, " action"]
) -> tuple[Float[np.ndarray, " action"], bool]:
    """The next command on the way, and whether it arrives."""
    goal_m = np.clip(phase.pose[:3], *WORKSPACE_M.T)  # the arm goes no farther, and a phase has to end
    way = goal_m - command[:3]
    distance_m = float(np.linalg.norm(way))
    share = min(1.0, phase.speed_m_s / CONTROL_HZ / max(distance_m, 1e-9))
    limit = phase.turn_rad_s / CONTROL_HZ
    angles = command[3:-1] + np.clip(phase.pose[3:] - command[3:-1], -limit, limit)
    wanted = np.array([*(command[:3] + share * way), *angles, float(phase.closed)])
    arrives = bool(share >= 1.0 and (np.abs(phase.pose[3:] - angles) < SAME_RAD).all())
    return wanted, arrives
