"""What fits together: a policy and a robot, a record and a dataset, an observation and a policy.

Each is refused before the first step, with the two facts that disagree.
"""

from typing import Any

import numpy as np
from jaxtyping import UInt8

from mu0.policy.embodiment import Embodiment, EmbodimentError
from mu0.records import Observation

RATE_TOLERANCE = 0.02
"""29.97 Hz is written as 30."""


def require_same(policy: Embodiment, robot: Embodiment) -> None:
    """Check that a policy of one embodiment may act on another.

    Raises:
        EmbodimentError: They differ in what an action or a state means, in rate or in cameras; names the two
            facts that disagree.
    """
    pairs = (
        ("actions", policy.action_names, robot.action_names),
        ("kinds of actions", policy.action_kinds, robot.action_kinds),
        ("references of actions", policy.relative_to, robot.relative_to),
        ("grippers among the actions", policy.grippers, robot.grippers),
        ("states", policy.state_names, robot.state_names),
        ("cameras", policy.cameras, robot.cameras),
    )
    for what, learned, real in pairs:
        if learned != real:
            raise _disagreement(what, _shown(learned), _shown(real))
    if abs(policy.rate_hz / robot.rate_hz - 1) > RATE_TOLERANCE:
        raise _disagreement("rates", f"{policy.rate_hz:g} Hz", f"{robot.rate_hz:g} Hz")


def require_names(what: str, found: tuple[str, ...], known: tuple[str, ...], of: str) -> None:
    """Check that a dataset's numbers have the names that are known of its arm.

    Args:
        what: `states` or `actions`, for the error.
        found: Names in the dataset.
        known: Names in the record.
        of: Whose record it is, for the error.

    Raises:
        EmbodimentError: They differ.
    """
    if found != known:
        raise EmbodimentError(
            f"The dataset has the {what} {_shown(found)}; {of} has {_shown(known)}.",
            expected="the names that our simulator's demonstrations have",
            remedy="write the demonstrations again with `mu0 run`, or learn another robot with `mu0 learn`.",
        )


def require_sizes(embodiment: Embodiment, state_dim: int, action_dim: int, cameras: tuple[str, ...]) -> None:
    """Check that a record that a person gives is of a dataset.

    Raises:
        EmbodimentError: The dataset has other numbers of states or actions, or is looked at through other
            cameras.
    """
    told = (embodiment.state_dim, embodiment.action_dim, embodiment.cameras)
    if told != (state_dim, action_dim, cameras):
        raise EmbodimentError(
            f"The embodiment {embodiment.name!r} has {told[0]} states, {told[1]} actions and the cameras "
            f"{', '.join(told[2])}; the dataset has {state_dim}, {action_dim} and {', '.join(cameras)}.",
            expected="the record of this dataset",
            remedy="make one with `mu0 learn FOLDER --describe`, and correct that.",
        )


def pictures_of(embodiment: Embodiment, observation: Observation) -> list[UInt8[np.ndarray, "_ _ 3"]]:
    """The pictures of an observation in the order of the embodiment's cameras.

    Raises:
        EmbodimentError: There are more or fewer than cameras, or the state is missing, not finite, or of
            another size.
    """
    state, wrist = observation.proprioception, observation.wrist_image
    seen = [observation.image, *([] if wrist is None else [wrist]), *observation.other_images]
    if state is None or state.shape != (embodiment.state_dim,) or not np.isfinite(state).all():
        found = "no robot state" if state is None else f"the state {state.tolist()}"
        raise EmbodimentError(
            f"The observation has {found}.",
            expected=f"the {embodiment.state_dim} finite numbers {', '.join(embodiment.state_names)}",
            remedy="fill `proprioception` of the Observation as the demonstrations have it.",
        )
    if len(seen) != len(embodiment.cameras):
        raise EmbodimentError(
            f"The observation has {len(seen)} pictures; the policy looks through {len(embodiment.cameras)} "
            f"cameras: {', '.join(embodiment.cameras)}.",
            expected="one picture per camera: `image`, `wrist_image`, `other_images`, in this order",
            remedy="give the pictures of all cameras that the policy was trained with.",
        )
    return seen


def _shown(value: tuple[Any, ...]) -> str:
    return f"{len(value)}: " + ", ".join("-" if part is None else str(part) for part in value)


def _disagreement(what: str, learned: str, real: str) -> EmbodimentError:
    return EmbodimentError(
        f"The policy was trained on {what} {learned}; the robot has {real}.",
        expected="a policy and a robot of one embodiment",
        remedy="use the policy that was trained on demonstrations of this robot, or train one.",
    )
