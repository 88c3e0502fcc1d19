"""What a caption is, and the closed lists of words that its labels come from.

Source
    Fields and value lists: reference/traceextract.md §4.4. `objects` is ours; the official files have no
    such key.
"""

from dataclasses import dataclass, field

EMBODIMENTS = ("human_hand", "robot_gripper", "robot_arm", "tool", "unknown")
SKILLS = (
    "reach", "grasp", "lift", "transport", "place", "release", "push", "pull", "rotate", "open_close",
    "reposition", "unknown",
)  # fmt: skip
FLAGS = ("contact_claim_without_clear_evidence", "object_identity_uncertain", "embodiment_uncertain")
MOTION_TYPES = (
    "reach", "grasp", "lift", "transport", "place", "release", "translate", "rotate", "push", "pull", "lower",
    "tilt", "idle", "none", "unclear",
)  # fmt: skip
DIRECTIONS = (
    "left", "right", "up", "down", "forward", "backward", "diagonal", "rotational", "none", "unclear",
)  # fmt: skip
TEMPORAL_PATTERNS = (
    "smooth", "accelerating", "decelerating", "brief", "sustained", "stop-start", "unclear",
)  # fmt: skip
CONFIDENCES = ("low", "medium", "high")
MOTION_LISTS = {
    "motion_type": MOTION_TYPES,
    "motion_direction": DIRECTIONS,
    "temporal_pattern": TEMPORAL_PATTERNS,
    "confidence": CONFIDENCES,
}
MOTION_TEXTS = ("main_actor", "moving_region", "start_state", "mid_state", "end_state", "interaction")
TASK_TYPE = "manipulation"
MOST_SKILLS = 2


@dataclass(frozen=True)
class Caption:
    """What is said about one event.

    Attributes:
        instructions: Description in the third person, step-wise imperative, casual request.
        embodiment_type: One of EMBODIMENTS.
        skill_labels: One or two of SKILLS.
        objects: Things that take part, as they are called.
        hallucination_flags: One truth value per name in FLAGS.
        structured_motion: Texts of MOTION_TEXTS and words of MOTION_LISTS.
    """

    instructions: tuple[str, str, str]
    embodiment_type: str
    skill_labels: tuple[str, ...]
    objects: tuple[str, ...] = ()
    hallucination_flags: dict[str, bool] = field(default_factory=dict)
    structured_motion: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MergedCaption:
    """What is said about neighbouring events together.

    Attributes:
        instructions: As in `Caption`.
        events: One text per event, in time order.
    """

    instructions: tuple[str, str, str]
    events: tuple[str, ...]


@dataclass(frozen=True)
class Failure:
    """An event that could not be put into words.

    Attributes:
        reason: For people.
        raw: What the model said, cut; empty if it said nothing.
    """

    reason: str
    raw: str = ""
