"""A scripted expert of pick into sink: hover, descend, close, lift, carry, lower, open, retreat."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from mu0.envs.layout import PlacedObject
from mu0.envs.objects import EVERY_KIND
from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.script import Phase, Scripted, follow

APPROACH_M_S = 0.15  # slower than it could: the approach is where a policy learns to look for the object
HOVER_M, LIFT_M, CARRY_M, RELEASE_M = 0.16, 0.20, 0.22, 0.13


def demonstrate(
    environment: Ur3Environment, disturbance: np.random.Generator | None = None
) -> Iterator[tuple[Float[np.ndarray, " 5"], Float[np.ndarray, " 5"]]]:
    """Yield the (wanted, executed) actions of `demonstrate_by_phase`."""
    for _, wanted, executed in demonstrate_by_phase(environment, disturbance):
        yield wanted, executed


def demonstrate_by_phase(
    environment: Ur3Environment, disturbance: np.random.Generator | None = None
) -> Iterator[Scripted]:
    """Yield phase, wanted and executed action for the episode that `environment` has just been reset to.

    The caller executes each before it asks for the next.

    Args:
        environment: Has just been reset.
        disturbance: Draws the disturbances; None executes what is wanted.
    """
    return follow(plan_picking(environment), environment, disturbance)


def plan_picking(environment: Ur3Environment, thing: PlacedObject | None = None) -> list[Phase]:
    """The script as the scene lies there now; of another thing than the target where one is named."""
    thing = thing or environment.target
    kind = EVERY_KIND[thing.kind]
    x, y = environment.data.joint(thing.kind).qpos[:2].tolist()
    yaw = _grasp_yaw_rad(thing.yaw_rad, kind.yaw_period_rad)
    sink_x, sink_y = environment.layout.sink_xy_m

    def at(*pose: float) -> Float[np.ndarray, " 4"]:
        return np.array(pose)

    grasp = at(x, y, kind.grasp_height_m, yaw)
    release = at(sink_x, sink_y, RELEASE_M, 0.0)
    return [
        Phase("reach", at(x, y, HOVER_M, yaw), closed=False, speed_m_s=APPROACH_M_S, noise_share=1.0),
        Phase("reach", grasp, closed=False, speed_m_s=0.16, noise_share=1.0),
        Phase("grasp", grasp, closed=True, speed_m_s=0.16, wait_steps=4),
        Phase("lift", at(x, y, LIFT_M, yaw), closed=True, speed_m_s=0.2),
        Phase("transport", at(sink_x, sink_y, CARRY_M, 0.0), closed=True, speed_m_s=0.25, noise_share=0.5),
        Phase("place", release, closed=True, speed_m_s=0.16),
        Phase("release", release, closed=False, speed_m_s=0.16, wait_steps=3),
        Phase("retreat", at(sink_x, sink_y - 0.05, 0.24, 0.0), closed=False, speed_m_s=0.25, wait_steps=4),
    ]


def _grasp_yaw_rad(yaw_rad: float, period_rad: float) -> float:
    """The equivalent grasp direction nearest to the gripper's zero."""
    if period_rad == 0:
        return 0.0
    return (yaw_rad + period_rad / 2) % period_rad - period_rad / 2
