"""The phases and entities by which errors of traces are told apart, and how well each is known.

approach   an empty hand is on its way to the thing
hover      it is there, within `NEAR_M` along the table, until the thing is held
carry      the thing moves with it
place      the thing is set down and let go
after      the empty hand leaves; reported, and judged by nobody

gripper    the gripper or the hand itself
target     the thing that is handled
arm        what carries the gripper
other      anything else that moves, and what lies near no known surface
rest       points that stay in their place
"""

from typing import Literal

Phase = Literal["approach", "hover", "carry", "place", "after", "unknown"]
Entity = Literal["gripper", "target", "arm", "other", "rest"]
KnownBy = Literal["simulator", "captions", "nobody"]

PHASES: tuple[Phase, ...] = ("approach", "hover", "carry", "place")
EVERY_PHASE: tuple[Phase, ...] = (*PHASES, "after", "unknown")
ENTITIES: tuple[Entity, ...] = ("gripper", "target", "rest")  # what tables for people show
EVERY_ENTITY: tuple[Entity, ...] = ("gripper", "target", "arm", "other", "rest")
NEAR_M = 0.06
GRASPED, ACROSS, RELEASED = "grasp", "transport", "release"
PHASE_OF_RECORDED: dict[str, Phase] = {
    "reach": "approach", "grasp": "hover", "lift": "carry", "transport": "carry", "push": "carry",
    "pour": "carry", "place": "place", "release": "place", "retreat": "after",
}  # fmt: skip
PHASE_OF_SKILL: dict[str, Phase] = {
    "reach": "approach", "grasp": "hover", "lift": "carry", "transport": "carry", "push": "carry",
    "pull": "carry", "rotate": "carry", "open_close": "carry", "place": "place", "release": "place",
    "reposition": "after",
}  # fmt: skip
