"""Normalisation of states and actions as one pair, so that what training does, the robot undoes.

Targets are made *relative*: the commanded pose of a future step minus the command that stands now. A policy
that says "3 cm to the left from here" needs no knowledge of where "here" is in the workspace. A gripper stays
*absolute* (0 open, 1 closed): "change the gripper" would have no meaning at its limits. Which dimension is
which, and what it is told from, says the embodiment. Statistics are taken on the relative values, over all
steps of all chunks.

Spreads have a floor. Without it a dimension that never changes in the demonstrations would divide by almost
nothing, and a deviation of a millimetre on the robot would reach the network as a million. The embodiment has
the floors, in the units of its dimensions.

Conventions of the UR3 (docs/conventions.md)
    state    (9) commanded TCP x, y, z [m], commanded yaw [rad], commanded gripper, measured gripper opening,
             measured TCP x, y, z [m]; base frame
    action   (5) commanded TCP x, y, z [m], commanded yaw [rad], gripper; absolute, base frame

Sources
    Relative actions and their statistics: openpi and LeRobot (reference/tracegen_tau0_pi0_lerobot.md C.5).
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from mu0.errors import CheckpointError
from mu0.files import write_json
from mu0.policy.embodiment import UR3, Embodiment

TOLD_DIMS = 4
PLACE_UNIT_M = 0.1
"""Of the named thing's place; it has no statistics, so that an expert may be told any place."""
STATISTICS = ("state_mean", "state_std", "action_mean", "action_std")


def in_told_units(told: Float[np.ndarray, "*n 4"]) -> Float32[np.ndarray, "*n 4"]:
    """Where the named thing is, beside the TCP [m], and how it is grasped, as the expert sees it."""
    return (told / np.array([PLACE_UNIT_M, PLACE_UNIT_M, 1.0, 1.0])).astype(np.float32)


def relative_to_command(
    actions: Float[np.ndarray, "*batch step action"],
    state: Float[np.ndarray, "*batch state"],
    embodiment: Embodiment = UR3,
) -> Float[np.ndarray, "*batch step action"]:
    """Actions as data have them -> targets relative to `state`; the other dimensions as they are."""
    relative = actions.copy()
    relative[..., list(embodiment.relative)] -= state[..., None, list(embodiment.references)]
    return relative


def absolute_from_command(
    relative: Float[np.ndarray, "*batch step action"],
    state: Float[np.ndarray, "*batch state"],
    embodiment: Embodiment = UR3,
) -> Float[np.ndarray, "*batch step action"]:
    """Undo `relative_to_command`."""
    actions = relative.copy()
    actions[..., list(embodiment.relative)] += state[..., None, list(embodiment.references)]
    return actions


@dataclass(frozen=True)
class PolicyNormalization:
    """Means and spreads of states and of relative actions; travels inside the checkpoint.

    `embodiment` says what is relative to what. It has a file and a hash of its own, and counts in neither
    here.
    """

    state_mean: tuple[float, ...]
    state_std: tuple[float, ...]
    action_mean: tuple[float, ...]
    action_std: tuple[float, ...]
    embodiment: Embodiment = UR3

    @property
    def statistics(self) -> dict[str, tuple[float, ...]]:
        """What is written and hashed."""
        return {name: getattr(self, name) for name in STATISTICS}

    def normalize_state(self, state: Float[np.ndarray, "*batch state"]) -> Float[np.ndarray, "*batch state"]:
        """State as the network sees it, float32."""
        return ((state - np.array(self.state_mean)) / np.array(self.state_std)).astype(np.float32)

    def normalize_actions(
        self, actions: Float[np.ndarray, "*batch step action"], state: Float[np.ndarray, "*batch state"]
    ) -> Float[np.ndarray, "*batch step action"]:
        """Absolute actions -> what the network predicts, float32."""
        relative = relative_to_command(actions, state, self.embodiment)
        return ((relative - np.array(self.action_mean)) / np.array(self.action_std)).astype(np.float32)

    def denormalize_actions(
        self, normalized: Float[np.ndarray, "*batch step action"], state: Float[np.ndarray, "*batch state"]
    ) -> Float[np.ndarray, "*batch step action"]:
        """Undo `normalize_actions`: actions as data have them, float64."""
        relative = normalized * np.array(self.action_std) + np.array(self.action_mean)
        return absolute_from_command(relative, state, self.embodiment)

    def sha256(self) -> str:
        """Hex digest of the numbers; stored in `meta.json` and compared when a checkpoint is loaded."""
        return hashlib.sha256(json.dumps(self.statistics, sort_keys=True).encode()).hexdigest()


def fit_normalization(
    states: Float[np.ndarray, "n state"],
    chunks: Float[np.ndarray, "n step action"],
    embodiment: Embodiment = UR3,
) -> PolicyNormalization:
    """Statistics over all frames (states) and over all steps of all chunks (relative actions)."""
    relative = relative_to_command(chunks.astype(np.float64), states.astype(np.float64), embodiment)
    relative = relative.reshape(-1, embodiment.action_dim)
    state_std = np.maximum(states.astype(np.float64).std(0), embodiment.state_floor)
    action_std = np.maximum(relative.std(0), embodiment.action_floor)
    return PolicyNormalization(
        tuple(states.astype(np.float64).mean(0).tolist()),
        tuple(state_std.tolist()),
        tuple(relative.mean(0).tolist()),
        tuple(action_std.tolist()),
        embodiment,
    )


def write_normalization(path: Path, normalization: PolicyNormalization) -> None:
    """Write `normalization.json`."""
    write_json(path, normalization.statistics)


def read_normalization(path: Path, expected_sha256: str, embodiment: Embodiment = UR3) -> PolicyNormalization:
    """Read `normalization.json` and check that it is the one that the weights were trained with.

    Raises:
        CheckpointError: The file is missing, damaged, or not the one recorded in `meta.json`; or its
            statistics have another size than the embodiment.
    """
    try:
        content = json.loads(path.read_text())
        statistics = {key: tuple(value) for key, value in content.items()}
        normalization = PolicyNormalization(**statistics, embodiment=embodiment)
    except (FileNotFoundError, json.JSONDecodeError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} cannot be read: {error}.",
            expected="state and action statistics, written together with the weights",
            remedy="train this action expert again; weights without their statistics are useless.",
        ) from error
    if normalization.sha256() != expected_sha256:
        raise CheckpointError(
            f"{path} has the hash {normalization.sha256()[:12]}.",
            expected=f"{expected_sha256[:12]}, which meta.json of the same folder records",
            remedy="restore the checkpoint folder with `mu0 verify --fix`, or train again.",
        )
    sizes = len(normalization.state_mean), len(normalization.action_mean)
    if sizes != (embodiment.state_dim, embodiment.action_dim):
        raise CheckpointError(
            f"{path} has statistics of {sizes[0]} states and {sizes[1]} actions; the embodiment "
            f"{embodiment.name!r} has {embodiment.state_dim} and {embodiment.action_dim}.",
            expected="statistics and embodiment of one training",
            remedy="restore the checkpoint folder, or train again.",
        )
    return normalization
