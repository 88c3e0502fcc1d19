"""An embodiment: what the numbers of a robot mean to an action expert, and who may act on which robot.

    state    numbers that the robot tells of itself, by name
    action   numbers that it is told, by name; each of one kind
               absolute   a number that means the same everywhere: a gripper, a velocity
               relative   a target of what the state tells as well: an expert says how far from there
               delta      an increment, in the data already
    gripper  an action that opens and closes: its changes are the keyframes of a demonstration

Experts, statistics, chunks, keyframes and policies take their sizes from this record. It lies in the folder
of every expert, and a policy is compared with the robot before its first step (`embodiment_fit`). How a tool
looks and moves, for policies that follow traces, is another matter: `mu0.trace_policy.embodiment`.

The record of a dataset is made by `mu0.policy.own_robot.recognition`; UR3 is ours (docs/conventions.md).
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from mu0.errors import CheckpointError, PolicyError, StageError
from mu0.files import read_json, write_json

Kind = Literal["absolute", "relative", "delta"]
KINDS = ("absolute", "relative", "delta")
NAME = "embodiment.json"
MIDDLE = 0.5


class EmbodimentError(PolicyError):
    """A policy and a robot, or a record and its own parts, do not fit."""


@dataclass(frozen=True)
class Embodiment:
    """Names, meaning and rate of a robot's numbers; one entry per dimension, in their order.

    Attributes:
        cameras: Features of pictures; the first one is the main view, wrists come behind it.
        relative_to: Which state dimension a relative action is told from; None for the other kinds.
        grippers: The action dimensions that open and close.
        state_floor: The least spread that a dimension is divided by, in its own unit.
        action_floor: The same for actions.
        keyframe_scale: How much of each dimension of the pose counts as one in the loss of the keyframe.
        action_low: Limits of commands; a policy keeps to them. Empty where the robot itself clips.
        action_high: The upper ones.
        tcp_m: The state dimensions that are the measured x and y of the tool [m], where they are known.
    """

    name: str
    rate_hz: float
    cameras: tuple[str, ...]
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    action_kinds: tuple[Kind, ...]
    relative_to: tuple[int | None, ...]
    grippers: tuple[int, ...]
    state_floor: tuple[float, ...]
    action_floor: tuple[float, ...]
    keyframe_scale: tuple[float, ...]
    action_low: tuple[float, ...] = ()
    action_high: tuple[float, ...] = ()
    tcp_m: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if fault := _fault_of(self):
            found, expected = fault
            raise EmbodimentError(
                f"The embodiment {self.name!r} has {found}.",
                expected=expected,
                remedy=f"correct {NAME}, or leave it out: `mu0 learn` makes one from the dataset.",
            )

    @property
    def state_dim(self) -> int:
        """How many numbers the robot tells."""
        return len(self.state_names)

    @property
    def action_dim(self) -> int:
        """How many numbers it is told."""
        return len(self.action_names)

    @property
    def relative(self) -> tuple[int, ...]:
        """The relative action dimensions."""
        return tuple(i for i, kind in enumerate(self.action_kinds) if kind == "relative")

    @property
    def references(self) -> tuple[int, ...]:
        """The state dimensions that these are told from."""
        return tuple(i for i in self.relative_to if i is not None)

    @property
    def pose(self) -> tuple[int, ...]:
        """The relative actions that are no grippers: together they are the pose of a keyframe."""
        return tuple(i for i in self.relative if i not in self.grippers)

    @property
    def pose_state(self) -> tuple[int, ...]:
        """The state dimensions that the pose is told from."""
        return tuple(reference for i in self.pose if (reference := self.relative_to[i]) is not None)

    @property
    def deltas(self) -> tuple[int, ...]:
        """The action dimensions that are increments: a robot that gets none stays."""
        return tuple(i for i, kind in enumerate(self.action_kinds) if kind == "delta")

    @property
    def keyframe_dims(self) -> int:
        """Size of a keyframe's pose; 0 where nothing tells when something is taken or let go."""
        return len(self.pose) if self.grippers else 0

    def closed(self, actions: Float[np.ndarray, "*n action"]) -> np.ndarray:
        """Which gripper is told to be on the upper half of its way, `(*n, gripper)`.

        Data say that something changes, not which end is closed: F1 counts the upper half.
        """
        grippers = list(self.grippers)
        middle = np.full(len(grippers), MIDDLE)
        if self.action_low:
            low, high = np.array(self.action_low), np.array(self.action_high)
            middle = ((low + high) / 2)[grippers]
        return actions[..., grippers] > middle

    def clipped(self, actions: Float[np.ndarray, "*n action"]) -> Float[np.ndarray, "*n action"]:
        """Actions within the limits, where there are any."""
        if not self.action_low:
            return actions
        return np.clip(actions, np.array(self.action_low), np.array(self.action_high))

    def sha256(self) -> str:
        """Hex digest of the record; stored in an expert's `meta.json`."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def write_embodiment(path: Path, embodiment: Embodiment) -> None:
    """Write the record as JSON."""
    write_json(path, asdict(embodiment))


def read_embodiment(path: Path, expected_sha256: str | None = None) -> Embodiment:
    """Read a record, and check where it is told that it is the one that an expert was trained with.

    Raises:
        CheckpointError: The file is missing, damaged, or not the recorded one.
        EmbodimentError: Its parts do not fit each other.
    """
    try:
        content: dict[str, Any] = read_json(path)
        embodiment = Embodiment(**{key: _frozen(value) for key, value in content.items()})
    except (StageError, TypeError, AttributeError) as error:
        names = ", ".join(field.name for field in fields(Embodiment))
        raise CheckpointError(
            f"{path} is no embodiment: {error}.",
            expected=f"a JSON object with {names}",
            remedy="restore the file, or let `mu0 learn` make one from the dataset.",
        ) from error
    if expected_sha256 is not None and embodiment.sha256() != expected_sha256:
        raise CheckpointError(
            f"{path} has the hash {embodiment.sha256()[:12]}.",
            expected=f"{expected_sha256[:12]}, which meta.json of the same folder records",
            remedy="restore the checkpoint folder, or train again.",
        )
    return embodiment


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _fault_of(one: Embodiment) -> tuple[str, str] | None:
    """The first part that does not fit: what was found, and what should be there."""
    n_actions, n_states = len(one.action_names), len(one.state_names)
    limits = {len(one.action_low), len(one.action_high)}
    laws = (
        (n_actions > 0 and n_states > 0, "no action or no state", "at least one of each"),
        (one.rate_hz > 0, f"a rate of {one.rate_hz} Hz", "a positive rate"),
        (bool(one.cameras), "no camera", "at least one camera"),
        (
            len(one.action_kinds) == n_actions and set(one.action_kinds) <= set(KINDS),
            f"the kinds {one.action_kinds}",
            f"one of {', '.join(KINDS)} for each of {n_actions} actions",
        ),
        (
            len(one.relative_to) == n_actions
            and tuple(i for i, state in enumerate(one.relative_to) if state is not None) == one.relative
            and all(state is None or 0 <= state < n_states for state in one.relative_to),
            f"the references {one.relative_to}",
            "a state dimension for each relative action, and null for the others",
        ),
        (
            all(0 <= gripper < n_actions for gripper in one.grippers),
            f"the grippers {one.grippers}",
            f"action dimensions from 0 to {n_actions - 1}",
        ),
        (
            (len(one.state_floor), len(one.action_floor)) == (n_states, n_actions)
            and all(floor > 0 for floor in (*one.state_floor, *one.action_floor)),
            f"{len(one.state_floor)} and {len(one.action_floor)} floors",
            f"a positive floor for each of {n_states} states and {n_actions} actions",
        ),
        (
            len(one.keyframe_scale) == len(one.pose) and all(scale > 0 for scale in one.keyframe_scale),
            f"the keyframe scales {one.keyframe_scale}",
            f"a positive scale for each of {len(one.pose)} dimensions of the pose",
        ),
        (
            limits in ({0}, {n_actions}),
            f"{len(one.action_low)} lower and {len(one.action_high)} upper limits",
            f"none, or {n_actions} of each",
        ),
    )
    return next(((found, expected) for holds, found, expected in laws if not holds), None)


UR3 = Embodiment(
    name="ur3",
    rate_hz=10.0,
    cameras=("observation.images.front", "observation.images.wrist"),
    state_names=(
        "commanded_x_m", "commanded_y_m", "commanded_z_m", "commanded_yaw_rad", "commanded_gripper",
        "gripper_opening", "x_m", "y_m", "z_m",
    ),
    action_names=("x_m", "y_m", "z_m", "yaw_rad", "gripper"),
    action_kinds=("relative", "relative", "relative", "relative", "absolute"),
    relative_to=(0, 1, 2, 3, None),
    grippers=(4,),
    state_floor=(0.01,) * 9,
    action_floor=(0.01,) * 5,
    keyframe_scale=(0.1, 0.1, 0.1, 0.5),
    tcp_m=(6, 7),
)  # fmt: skip
"""Our simulated arm; the environment clips to its workspace."""
