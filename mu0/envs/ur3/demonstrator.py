"""A scripted expert: hover, descend, close, lift, carry, lower, open, retreat.

To teach recovery, the executed command is disturbed now and then while the recorded one stays what the expert
wanted at that moment (DART, Laskey et al. 2017). The next state shows the disturbance, and the script
continues from there. So `action[t]` and the command in `state[t + 1]` differ in the disturbed steps only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mu0.envs.objects import EVERY_KIND
from mu0.envs.phases import PhaseName
from mu0.envs.ur3.environment import CONTROL_HZ, WORKSPACE_M, Ur3Environment

YAW_SPEED_RAD_S = 1.5
NOISE_M = 0.012
NOISE_PROBABILITY = 0.12
APPROACH_M_S = 0.15  # slower than it could: the approach is where a policy learns to look for the object
HOVER_M, LIFT_M, CARRY_M, RELEASE_M = 0.16, 0.20, 0.22, 0.13


@dataclass(frozen=True)
class Phase:
    """Go to a pose at a speed, then stay there for some steps."""

    name: PhaseName
    position_m: Float[np.ndarray, " 3"]
    yaw_rad: float
    closed: bool
    speed_m_s: float
    wait_steps: int = 0
    noise_share: float = 0.0


def demonstrate(
    environment: Ur3Environment, disturbance: np.random.Generator | None = None
) -> Iterator[tuple[Float[np.ndarray, " 5"], Float[np.ndarray, " 5"]]]:
    """Yield the (wanted, executed) actions of `demonstrate_by_phase`."""
    for _, wanted, executed in demonstrate_by_phase(environment, disturbance):
        yield wanted, executed


def demonstrate_by_phase(
    environment: Ur3Environment, disturbance: np.random.Generator | None = None
) -> Iterator[tuple[PhaseName, Float[np.ndarray, " 5"], Float[np.ndarray, " 5"]]]:
    """Yield phase, wanted and executed action for the episode that `environment` has just been reset to.

    The caller executes each before it asks for the next.

    Args:
        environment: Has just been reset.
        disturbance: Draws the disturbances; None executes what is wanted.
    """
    for phase in _plan(environment):
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


def _plan(environment: Ur3Environment) -> list[Phase]:
    kind = EVERY_KIND[environment.target.kind]
    x, y, _ = environment.target_position_m()
    yaw = _grasp_yaw_rad(environment.target.yaw_rad, kind.yaw_period_rad)
    sink_x, sink_y = environment.layout.sink_xy_m

    def at(*xyz: float) -> Float[np.ndarray, " 3"]:
        return np.array(xyz)

    grasp = at(x, y, kind.grasp_height_m)
    return [
        Phase("reach", at(x, y, HOVER_M), yaw, closed=False, speed_m_s=APPROACH_M_S, noise_share=1.0),
        Phase("reach", grasp, yaw, closed=False, speed_m_s=0.16, noise_share=1.0),
        Phase("grasp", grasp, yaw, closed=True, speed_m_s=0.16, wait_steps=4),
        Phase("lift", at(x, y, LIFT_M), yaw, closed=True, speed_m_s=0.2),
        Phase("transport", at(sink_x, sink_y, CARRY_M), 0.0, closed=True, speed_m_s=0.25, noise_share=0.5),
        Phase("place", at(sink_x, sink_y, RELEASE_M), 0.0, closed=True, speed_m_s=0.16),
        Phase("release", at(sink_x, sink_y, RELEASE_M), 0.0, closed=False, speed_m_s=0.16, wait_steps=3),
        Phase("retreat", at(sink_x, sink_y - 0.05, 0.24), 0.0, closed=False, speed_m_s=0.25, wait_steps=4),
    ]


def _grasp_yaw_rad(yaw_rad: float, period_rad: float) -> float:
    """The equivalent grasp direction nearest to the gripper's zero."""
    if period_rad == 0:
        return 0.0
    return (yaw_rad + period_rad / 2) % period_rad - period_rad / 2


def _towards(phase: Phase, command: Float[np.ndarray, " 5"]) -> tuple[Float[np.ndarray, " 5"], bool]:
    """The next command on the way, and whether it arrives."""
    way = phase.position_m - command[:3]
    distance_m = float(np.linalg.norm(way))
    share = min(1.0, phase.speed_m_s / CONTROL_HZ / max(distance_m, 1e-9))
    limit = YAW_SPEED_RAD_S / CONTROL_HZ
    turn = float(np.clip(phase.yaw_rad - command[3], -limit, limit))
    wanted = np.array([*(command[:3] + share * way), command[3] + turn, float(phase.closed)])
    arrives = bool(share >= 1.0 and abs(phase.yaw_rad - wanted[3]) < 1e-6)
    return wanted, arrives
