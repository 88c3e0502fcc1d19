"""A scripted expert of pour almonds: hover, descend, close, lift, carry, tip, turn back, put down, retreat.

While it pours, the gripper hangs below the cup's mouth and the wrist low over the table. Towards where was
found by trying all directions over both robots' workspace: about 109 degrees clockwise of the direction from
the robot to the bowl nothing touches and the elbow has room, on either side. What the cup is tipped far over
leaves behind its middle, so the TCP stops a little beyond the bowl's.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from mu0.envs.ur3.pour.environment import PourEnvironment
from mu0.envs.ur3.script import Phase, Scripted, follow

APPROACH_M_S = 0.15
HOVER_M, CARRY_M, POUR_M = 0.19, 0.24, 0.215
TIP_RAD, TIP_RAD_S = 2.3, 1.0
TIP_FROM_BOWL_RAD = -1.9  # heading of the tip, from that of the bowl
BEYOND_M = 0.01
PUT_DOWN_M = 0.002  # above where it was taken


def demonstrate_pouring(
    environment: PourEnvironment, disturbance: np.random.Generator | None = None
) -> Iterator[Scripted]:
    """Yield phase, wanted and executed action for the episode that `environment` has just been reset to.

    The caller executes each before it asks for the next.

    Args:
        environment: Has just been reset.
        disturbance: Draws the disturbances; None executes what is wanted.
    """
    return follow(plan_pouring(environment), environment, disturbance)


def plan_pouring(environment: PourEnvironment) -> list[Phase]:
    """The script as the scene lies there now."""
    (x, y, _), cup_yaw = environment.cup_pose()
    z = environment.tableware.grasp_height_m
    period = 2 * np.pi / environment.tableware.cup.n_walls
    yaw = (cup_yaw + period / 2) % period - period / 2  # flat walls between the fingers
    bowl_x, bowl_y = environment.layout.bowl_xy_m
    heading = float(np.arctan2(bowl_y, bowl_x)) + TIP_FROM_BOWL_RAD
    over_x, over_y = bowl_x + BEYOND_M * np.cos(heading), bowl_y + BEYOND_M * np.sin(heading)

    def at(*pose: float) -> Float[np.ndarray, " 5"]:
        return np.array(pose)

    grasp, above = at(x, y, z, yaw, 0.0), at(x, y, CARRY_M, yaw, 0.0)
    put = at(x, y, z + PUT_DOWN_M, yaw, 0.0)
    over, tipped = at(over_x, over_y, CARRY_M, heading, 0.0), at(over_x, over_y, POUR_M, heading, TIP_RAD)
    return [
        Phase("reach", at(x, y, HOVER_M, yaw, 0.0), closed=False, speed_m_s=APPROACH_M_S, noise_share=1.0),
        Phase("reach", grasp, closed=False, speed_m_s=0.14),
        Phase("grasp", grasp, closed=True, speed_m_s=0.14, wait_steps=4),
        Phase("lift", above, closed=True, speed_m_s=0.16),
        Phase("transport", over, closed=True, speed_m_s=0.2, noise_share=0.5),
        Phase("pour", tipped, closed=True, speed_m_s=0.2, wait_steps=8, turn_rad_s=TIP_RAD_S),
        Phase("pour", over, closed=True, speed_m_s=0.2, wait_steps=2, turn_rad_s=TIP_RAD_S),
        Phase("transport", above, closed=True, speed_m_s=0.25, noise_share=0.5),
        Phase("place", put, closed=True, speed_m_s=0.14),
        Phase("release", put, closed=False, speed_m_s=0.14, wait_steps=3),
        Phase("retreat", at(x, y, CARRY_M, yaw, 0.0), closed=False, speed_m_s=0.2, wait_steps=4),
    ]
