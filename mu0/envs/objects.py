"""The things that lie on the table: their kinds, colours and sizes.

Every kind is one MuJoCo primitive, so its surface is known exactly and physics stays fast. Sizes fit a
gripper that opens 85 mm.

`USUAL` things furnish the scenes that one learns from. `UNSEEN` ones, other shapes with other names in other
colours, appear in evaluations of what was never seen only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class ObjectKind:
    """One kind of object.

    `size` is MuJoCo's (half sizes, or radius and half length, [m]); `rest_height_m` that of the body's origin
    on the table; `grasp_height_m` where a gripper's TCP should close; `yaw_period_rad` after which turning
    about the vertical makes no difference to a grasp (0: it never does).
    """

    name: str
    geom_type: str
    size: tuple[float, ...]
    mass_kg: float
    rest_height_m: float
    grasp_height_m: float
    yaw_period_rad: float
    euler: tuple[float, float, float] = (0.0, 0.0, 0.0)


PI = 3.141592653589793
KINDS = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            ObjectKind("apple", "sphere", (0.035,), 0.12, 0.035, 0.032, 0.0),
            ObjectKind("carrot", "capsule", (0.017, 0.05), 0.08, 0.017, 0.016, PI, (0.0, PI / 2, 0.0)),
            ObjectKind("block", "box", (0.024, 0.024, 0.024), 0.06, 0.024, 0.022, PI / 2),
            ObjectKind("can", "cylinder", (0.03, 0.048), 0.2, 0.048, 0.058, 0.0),
            ObjectKind("lemon", "ellipsoid", (0.042, 0.029, 0.029), 0.1, 0.029, 0.027, PI),
        )
    }
)
COLOURS = MappingProxyType(
    {
        "red": (0.90, 0.10, 0.10),
        "green": (0.10, 0.72, 0.22),
        "blue": (0.12, 0.32, 0.95),
        "yellow": (0.95, 0.88, 0.12),
        "orange": (1.00, 0.52, 0.08),
        "purple": (0.60, 0.14, 0.78),
    }
)
UNSEEN_KINDS = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            ObjectKind("bottle", "cylinder", (0.021, 0.07), 0.18, 0.07, 0.075, 0.0),
            ObjectKind("brick", "box", (0.046, 0.02, 0.026), 0.12, 0.026, 0.024, PI),
            ObjectKind("egg", "ellipsoid", (0.026, 0.026, 0.036), 0.06, 0.036, 0.034, 0.0),
            ObjectKind("tin", "cylinder", (0.037, 0.022), 0.14, 0.022, 0.02, 0.0),
        )
    }
)
UNSEEN_COLOURS = MappingProxyType(
    {
        "white": (0.97, 0.97, 0.97),
        "black": (0.13, 0.13, 0.14),
        "pink": (1.00, 0.55, 0.75),
        "turquoise": (0.15, 0.80, 0.80),
        "brown": (0.45, 0.28, 0.12),
    }
)
EVERY_KIND = MappingProxyType({**KINDS, **UNSEEN_KINDS})


@dataclass(frozen=True)
class Catalogue:
    """Which kinds and colours a scene may hold."""

    kinds: Mapping[str, ObjectKind]
    colours: Mapping[str, tuple[float, float, float]]


USUAL = Catalogue(KINDS, COLOURS)
UNSEEN = Catalogue(UNSEEN_KINDS, UNSEEN_COLOURS)


def object_body_xml(kind: ObjectKind) -> str:
    """MJCF of one freely moving object; body and geom carry the kind's name."""
    size = " ".join(f"{x:g}" for x in kind.size)
    euler = " ".join(f"{x:g}" for x in kind.euler)
    return (
        f'<body name="{kind.name}" pos="0 0 1"><freejoint name="{kind.name}"/>'
        f'<geom name="{kind.name}" type="{kind.geom_type}" size="{size}" euler="{euler}" '
        f'mass="{kind.mass_kg}" '
        'condim="6" friction="0.8 0.02 0.002" material="noise_0"/></body>'
    )
