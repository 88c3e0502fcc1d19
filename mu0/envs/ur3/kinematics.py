"""The published numbers of the UR3e, of which `arm.py` builds the MJCF.

A test computes the flange's pose from the Denavit-Hartenberg table alone and demands that the MJCF agrees to
1e-12, so an error in either would show.

Sources
    Universal Robots, "DH parameters for calculations of kinematics and dynamics" (support article):
    a, d, alpha, masses, centres of mass.
    UniversalRobots/Universal_Robots_ROS2_Description (BSD-3): inertias, effort limits, offsets of the tubes.
"""

import numpy as np

D1_M, D4_M, D5_M, D6_M = 0.15185, 0.13105, 0.08535, 0.0921
A2_M, A3_M = -0.24355, -0.2132
SHOULDER_OFFSET_M, ELBOW_OFFSET_M = 0.120, 0.027
LINK_MASS_KG = (1.98, 3.4445, 1.437, 0.871, 0.805, 0.261)
LINK_CENTRE_M = (
    (0.0, 0.0, -0.02),
    (-0.11355, 0.0, 0.1157),
    (-0.1632, 0.0, 0.0238),
    (0.0, -0.01, 0.0),
    (0.0, 0.01, 0.0),
    (0.0, 0.0, -0.02),
)
LINK_INERTIA_KG_M2 = (
    (0.0027657, 0.0021501, 0.0025626),
    (0.0042623, 0.0460284, 0.0448947),
    (0.0010511, 0.0113396, 0.0110895),
    (0.0008174, 0.0006844, 0.0005497),
    (0.0006059, 0.0005837, 0.0003831),
    (0.0001080, 0.0001086, 0.0001371),
)
EFFORT_LIMIT_NM = (54, 54, 28, 9, 9, 9)
JOINTS = ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
HOME_RAD = np.array([0.0, -1.9, 1.9, -1.57, -1.57, 0.0])
