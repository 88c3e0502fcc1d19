"""The published numbers of the UR3e and of the older UR3 (CB3), of which `arm.py` builds the MJCF.

A test computes the flange's pose from the Denavit-Hartenberg table alone and demands that the MJCF agrees to
1e-12, so an error in either would show.

Sources
    Universal Robots, "DH parameters for calculations of kinematics and dynamics" (support article):
    a, d, alpha, masses, centres of mass.
    UniversalRobots/Universal_Robots_ROS2_Description (BSD-3): inertias, effort limits, offsets of the tubes.
"""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

Vector3 = tuple[float, float, float]


@dataclass(frozen=True)
class RobotNumbers:
    """One robot: lengths of the DH table, offsets of its tubes, and what each of the six links weighs."""

    name: str
    d1_m: float
    d4_m: float
    d5_m: float
    d6_m: float
    a2_m: float
    a3_m: float
    shoulder_offset_m: float
    elbow_offset_m: float
    link_mass_kg: tuple[float, ...]
    link_centre_m: tuple[Vector3, ...]
    link_inertia_kg_m2: tuple[Vector3, ...]
    effort_limit_nm: tuple[float, ...]


UR3E = RobotNumbers(
    name="ur3e",
    d1_m=0.15185,
    d4_m=0.13105,
    d5_m=0.08535,
    d6_m=0.0921,
    a2_m=-0.24355,
    a3_m=-0.2132,
    shoulder_offset_m=0.120,
    elbow_offset_m=0.027,
    link_mass_kg=(1.98, 3.4445, 1.437, 0.871, 0.805, 0.261),
    link_centre_m=(
        (0.0, 0.0, -0.02),
        (-0.11355, 0.0, 0.1157),
        (-0.1632, 0.0, 0.0238),
        (0.0, -0.01, 0.0),
        (0.0, 0.01, 0.0),
        (0.0, 0.0, -0.02),
    ),
    link_inertia_kg_m2=(
        (0.0027657, 0.0021501, 0.0025626),
        (0.0042623, 0.0460284, 0.0448947),
        (0.0010511, 0.0113396, 0.0110895),
        (0.0008174, 0.0006844, 0.0005497),
        (0.0006059, 0.0005837, 0.0003831),
        (0.0001080, 0.0001086, 0.0001371),
    ),
    effort_limit_nm=(54.0, 54.0, 28.0, 9.0, 9.0, 9.0),
)
UR3 = RobotNumbers(
    name="ur3",
    d1_m=0.1519,
    d4_m=0.11235,
    d5_m=0.08535,
    d6_m=0.0819,
    a2_m=-0.24365,
    a3_m=-0.21325,
    shoulder_offset_m=0.1198,
    elbow_offset_m=0.0275,
    link_mass_kg=(2.0, 3.42, 1.26, 0.8, 0.8, 0.35),
    link_centre_m=(
        (0.0, 0.0, -0.02),
        (-0.11365, 0.0, 0.1157),
        (-0.16325, 0.0, 0.0238),
        (0.0, -0.01, 0.0),
        (0.0, 0.01, 0.0),
        (0.0, 0.0, -0.02),
    ),
    link_inertia_kg_m2=(
        (0.0081, 0.0081, 0.0056),
        (0.00962, 0.02173, 0.02173),
        (0.00354, 0.00655, 0.00655),
        (0.00161, 0.00161, 0.00225),
        (0.00157, 0.00157, 0.00225),
        (0.000136, 0.000136, 0.000179),
    ),
    effort_limit_nm=(56.0, 56.0, 28.0, 12.0, 12.0, 12.0),
)
ROBOTS = MappingProxyType({robot.name: robot for robot in (UR3E, UR3)})
JOINTS = ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
HOME_RAD = np.array([0.0, -1.9, 1.9, -1.57, -1.57, 0.0])
