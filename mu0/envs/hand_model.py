"""The MJCF of the hand: palm, five fingers of two segments, forearm; skin-coloured, touching nothing.

Palm frame: x towards the finger tips, y to the left, z out of the back of the hand. Sizes are those of an
adult's right hand, rounded.
"""

import numpy as np

from mu0.envs.objects import KINDS
from mu0.envs.tabletop import Actor

SKIN = 'rgba=".90 .68 .56 1" material="noise_1"'
SLEEVE = 'rgba=".42 .50 .68 1" material="noise_3"'
TOUCHES_NOTHING = 'contype="0" conaffinity="0" mass="0.01"'
HOLD_POINT_M = np.array([0.085, 0.0, -0.05])  # where a grasped object's centre is
# name, knuckle position, lengths of the two segments, radius
LONG_FINGERS = (
    ("index", (0.045, 0.030, 0.0), (0.042, 0.036), 0.0085),
    ("middle", (0.048, 0.010, 0.0), (0.046, 0.040), 0.0090),
    ("ring", (0.045, -0.010, 0.0), (0.042, 0.037), 0.0085),
    ("little", (0.040, -0.029, 0.0), (0.034, 0.029), 0.0075),
)
THUMB_KNUCKLE_M, THUMB_SEGMENTS_M, THUMB_RADIUS_M = (-0.005, 0.036, -0.012), (0.042, 0.034), 0.0105
FINGERS = tuple(
    f"{name}_{part}" for name in ("index", "middle", "ring", "little", "thumb") for part in (1, 2)
)
OPEN_RAD = np.array([0.15, 0.2] * 4 + [0.1, 0.1])
CLOSED_RAD = np.array([0.95, 1.0] * 4 + [0.75, 0.6])
SERVO = 'kp="0.6" kv="0.02"'


def hand_actor() -> Actor:
    """The hand, ready to be plugged into a tabletop."""
    fingers = "".join(_finger_xml(*finger) for finger in LONG_FINGERS)
    palm = f"""
<body name="palm" mocap="true" pos="0 0 0.4">
 <geom type="box" pos="0 0 0" size="0.045 0.041 0.013" {SKIN} {TOUCHES_NOTHING}/>
 <geom type="ellipsoid" pos="-0.01 0.03 -0.01" size="0.035 0.018 0.016" {SKIN} {TOUCHES_NOTHING}/>
 {fingers}{_thumb_xml()}
 <body name="forearm" pos="-0.045 0 0" euler="0 0.15 0">
  <geom type="capsule" fromto="0 0 0 -0.06 0 0.004" size="0.026" {SKIN} {TOUCHES_NOTHING}/>
  <geom type="capsule" fromto="-0.075 0 0.005 -0.30 0 0.03" size="0.036" {SLEEVE} {TOUCHES_NOTHING}/>
 </body>
</body>"""
    servos = "".join(f'<position name="{name}" joint="{name}" {SERVO}/>' for name in FINGERS)
    welds = "".join(
        f'<weld name="hold_{kind}" body1="palm" body2="{kind}" active="false" solref="0.005 1"/>'
        for kind in KINDS
    )
    return Actor(bodies=palm, sections=f"<actuator>{servos}</actuator><equality>{welds}</equality>")


def _segment_xml(name: str, position: str, axis: str, length_m: float, radius_m: float, child: str) -> str:
    return f"""
<body name="{name}" pos="{position}" gravcomp="1">
 <joint name="{name}" axis="{axis}" damping="0.004" armature="0.0003" range="-0.2 1.9"/>
 <geom type="capsule" fromto="0 0 0 {length_m} 0 0" size="{radius_m}" {SKIN} {TOUCHES_NOTHING}/>{child}
</body>"""


def _finger_xml(
    name: str, knuckle: tuple[float, ...], segments_m: tuple[float, float], radius_m: float
) -> str:
    tip = _segment_xml(f"{name}_2", f"{segments_m[0]} 0 0", "0 1 0", segments_m[1], radius_m * 0.92, "")
    return _segment_xml(f"{name}_1", " ".join(map(str, knuckle)), "0 1 0", segments_m[0], radius_m, tip)


def _thumb_xml() -> str:
    """The thumb points forward and down from the side of the palm and closes towards the fingers."""
    first, second = THUMB_SEGMENTS_M
    tip = _segment_xml("thumb_2", f"{first} 0 0", "0 0 -1", second, THUMB_RADIUS_M * 0.9, "")
    base = _segment_xml("thumb_1", "0 0 0", "0 0 -1", first, THUMB_RADIUS_M, tip)
    position = " ".join(map(str, THUMB_KNUCKLE_M))
    return f'<body name="thumb_mount" pos="{position}" euler="0 0.65 0.55">{base}</body>'
