"""A UR3e or UR3 with a two-finger gripper as MJCF, from primitive shapes only.

Lessons that shaped it (reference/simulation.md §4.2 and §8)
    base and shoulder are excluded from contact: the base is welded to the world, so MuJoCo's parent filter
    does not apply and the arm would jam.
    `kv` instead of `dampratio`: the meaning of the latter changed between MuJoCo versions.
    pads: stiff contact (solref 0.004), force of 60 N; softer ones lose carrots and cans.
The base is turned by pi about z, as in the ROS `base_link` convention. The TCP lies 145 mm below the flange.
"""

from math import sqrt

import numpy as np

from mu0.envs.tabletop import Actor
from mu0.envs.ur3.kinematics import JOINTS, UR3E, RobotNumbers

GRIPPER_TRAVEL_M = 0.0425  # of each finger; the gripper opens 85 mm
FINGER_GAIN, FINGER_FORCE_N = 4000, 60
TCP_BELOW_FLANGE_M = 0.145
WRIST_CAMERA_EYE_M = np.array([0.085, 0.0, 0.01])  # wrist_3 frame; clear of the gripper's body
WRIST_CAMERA_TARGET_M = np.array([0.0, 0.0, 0.14])

BLUE = 'rgba=".45 .66 .82 1" material="noise_1"'
GREY = 'rgba=".84 .84 .86 1" material="noise_2"'
DARK = 'rgba=".52 .52 .56 1" material="noise_3"'
STEEL = 'rgba=".66 .66 .68 1" material="noise_0"'
HALF = sqrt(0.5)
# kp, kv, armature, joint damping, friction loss of the position servos
SERVOS = (
    (2000, 63, 0.1, 2.0, 0.2),
    (2000, 63, 0.1, 2.0, 0.2),
    (1500, 45, 0.1, 1.0, 0.2),
    (500, 14, 0.05, 0.5, 0.1),
    (500, 14, 0.05, 0.5, 0.1),
    (500, 14, 0.05, 0.5, 0.1),
)


def ur3_actor(robot: RobotNumbers = UR3E) -> Actor:
    """The arm, ready to be plugged into a tabletop."""
    return Actor(bodies=_arm_xml(robot), sections=_sections_xml(robot))


def _vector(values: tuple[float | int, ...]) -> str:
    return " ".join(f"{x:.9g}" for x in values)


def _link(robot: RobotNumbers, index: int) -> str:
    """Inertia and joint of link `index`."""
    limit = np.pi if index == 2 else 2 * np.pi
    _, _, armature, damping, friction = SERVOS[index]
    return (
        f'<inertial pos="{_vector(robot.link_centre_m[index])}" mass="{robot.link_mass_kg[index]}" '
        f'diaginertia="{_vector(robot.link_inertia_kg_m2[index])}"/>'
        f'<joint name="{JOINTS[index]}" axis="0 0 1" range="{-limit:.6f} {limit:.6f}" '
        f'armature="{armature}" damping="{damping}" frictionloss="{friction}"/>'
    )


def _tube(
    shape: str, start: tuple[float | int, ...], end: tuple[float | int, ...], radius: float, look: str
) -> str:
    return f'<geom type="{shape}" fromto="{_vector(start + end)}" size="{radius}" {look}/>'


def _finger(name: str, side: int) -> str:
    y = side * 0.0425
    return f"""
<body name="finger_{name}" pos="0 {y} 0.09">
 <inertial pos="0 {side * 0.007} 0.035" mass="0.06" diaginertia="3e-5 3e-5 6e-6"/>
 <joint name="finger_{name}" type="slide" axis="0 {side} 0" range="{-GRIPPER_TRAVEL_M} 0"
  armature="0.1" damping="5"/>
 <geom type="box" pos="0 {side * 0.010} 0.03" size="0.011 0.006 0.035" {DARK}/>
 <geom type="box" pos="0 {side * 0.004} 0.05" size="0.011 0.004 0.019" {STEEL} friction="1.2 0.02 0.0005"
  condim="4" solref="0.004 1" solimp="0.95 0.99 0.001" priority="1"/>
</body>"""


def _gripper_xml() -> str:
    return f"""
<body name="gripper">
 <inertial pos="0 0 0.045" mass="0.7" diaginertia="0.0008 0.0006 0.0006"/>
 {_tube("cylinder", (0, 0, 0), (0, 0, 0.03), 0.037, DARK)}
 <geom type="box" pos="0 0 0.06" size="0.02 0.055 0.03" {DARK}/>
 <site name="tcp" pos="0 0 {TCP_BELOW_FLANGE_M}" size="0.001" rgba="0 0 0 0" group="4"/>
 {_finger("left", 1)}{_finger("right", -1)}
</body>"""


def _arm_xml(robot: RobotNumbers) -> str:
    shoulder, elbow = robot.shoulder_offset_m, robot.elbow_offset_m
    a2, a3, d4 = robot.a2_m, robot.a3_m, robot.d4_m
    return f"""
<body name="base" quat="0 0 0 1">
 <geom type="cylinder" size="0.064 0.03" pos="0 0 0.03" {DARK}/>
 <body name="shoulder_link" pos="0 0 {robot.d1_m}">{_link(robot, 0)}
  {_tube("capsule", (0, 0, -0.07), (0, 0, 0), 0.05, GREY)}
  {_tube("cylinder", (0, 0.02, 0), (0, -0.07, 0), 0.045, BLUE)}
  <body name="upper_arm_link" quat="{HALF!r} {HALF!r} 0 0">{_link(robot, 1)}
   {_tube("cylinder", (0, 0, 0.07), (0, 0, shoulder + 0.045), 0.045, BLUE)}
   {_tube("capsule", (0, 0, shoulder), (a2, 0, shoulder), 0.035, GREY)}
   <body name="forearm_link" pos="{a2!r} 0 0">{_link(robot, 2)}
    {_tube("cylinder", (0, 0, elbow - 0.03), (0, 0, shoulder + 0.03), 0.037, BLUE)}
    {_tube("capsule", (0, 0, elbow), (a3, 0, elbow), 0.029, GREY)}
    <body name="wrist_1_link" pos="{a3!r} 0 {d4!r}">{_link(robot, 3)}
     {_tube("cylinder", (0, 0, -d4 + 0.03), (0, 0, 0.03), 0.031, BLUE)}
     <body name="wrist_2_link" pos="0 {-robot.d5_m!r} 0" quat="{HALF!r} {HALF!r} 0 0">{_link(robot, 4)}
      {_tube("cylinder", (0, 0, -0.055), (0, 0, 0.03), 0.031, BLUE)}
      <body name="wrist_3_link" pos="0 {robot.d6_m!r} 0" quat="{HALF!r} {-HALF!r} 0 0">{_link(robot, 5)}
       {_tube("cylinder", (0, 0, -0.05), (0, 0, 0), 0.031, GREY)}
       {_gripper_xml()}
</body></body></body></body></body></body></body>"""


def _sections_xml(robot: RobotNumbers) -> str:
    servos = "".join(
        f'<position name="{joint}" joint="{joint}" kp="{kp}" kv="{kv}" ctrlrange="-6.28 6.28" '
        f'forcerange="-{limit} {limit}"/>'
        for joint, (kp, kv, *_), limit in zip(JOINTS, SERVOS, robot.effort_limit_nm, strict=True)
    )
    return f"""
<contact><exclude body1="base" body2="shoulder_link"/></contact>
<tendon><fixed name="grip">
 <joint joint="finger_left" coef="0.5"/><joint joint="finger_right" coef="0.5"/>
</fixed></tendon>
<equality>
 <joint joint1="finger_left" joint2="finger_right" solref="0.005 1" solimp="0.95 0.99 0.001"/>
</equality>
<actuator>{servos}<position name="grip" tendon="grip" kp="{FINGER_GAIN}" kv="40"
 ctrlrange="{-GRIPPER_TRAVEL_M} 0" forcerange="-{FINGER_FORCE_N} {FINGER_FORCE_N}"/></actuator>"""
