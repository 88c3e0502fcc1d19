"""Several chunks of commands from one moment of a demonstration: what happens if something else is done?

    demonstrated   what the demonstration did
    faulty         what it would have done with an error, which begins within the chunk
    hold           nothing: the command stays what it is
    mirrored       the demonstrated way, taken in the opposite direction

All are executed from the same snapshot, to the last bit, so what differs in the end is the commands' work.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from mu0.errors import SimulationError
from mu0.params.tau0_data import ChunkName

HAND = -1


def choose_start(error_step: int, n_steps: int, chunk_steps: int, rng: np.random.Generator) -> int:
    """A moment at most half a chunk before the error, from which the demonstration has a whole chunk left.

    Raises:
        SimulationError: The demonstration is shorter than a chunk.
    """
    if n_steps < chunk_steps:
        raise SimulationError(
            f"The demonstration has {n_steps} steps.",
            expected=f"at least the {chunk_steps} of a chunk",
            remedy="lower tau0_data.chunk_steps in params.yaml.",
        )
    lead = int(rng.integers(0, chunk_steps // 2 + 1))
    return min(max(0, error_step - lead), n_steps - chunk_steps)


def chunk_from(
    name: ChunkName,
    start: int,
    n_steps: int,
    command: Float[np.ndarray, " action"],
    demonstrated: Float[np.ndarray, "d action"],
    faulty: Float[np.ndarray, "f action"],
) -> Float[np.ndarray, "n action"]:
    """The commands of a chunk.

    Args:
        name: Which one.
        start: Step of the demonstration from which it is executed.
        n_steps: Its length; commands that end earlier stay as they are.
        command: Of the arm at that moment.
        demonstrated: Commands of the whole demonstration.
        faulty: Commands of the demonstration with an error.
    """
    made: dict[ChunkName, Callable[[], np.ndarray]] = {
        "demonstrated": lambda: _part(demonstrated, start, n_steps),
        "faulty": lambda: _part(faulty, start, n_steps),
        "hold": lambda: np.tile(command, (n_steps, 1)),
        "mirrored": lambda: mirrored(_part(demonstrated, start, n_steps), command),
    }
    return made[name]()


def mirrored(
    commands: Float[np.ndarray, "n action"], command: Float[np.ndarray, " action"]
) -> Float[np.ndarray, "n action"]:
    """The way in the opposite direction, from the same place, with the hand as it was."""
    opposite = 2 * command - commands
    opposite[:, HAND] = commands[:, HAND]
    return opposite


def _part(commands: Float[np.ndarray, "m action"], start: int, n_steps: int) -> Float[np.ndarray, "n action"]:
    rows = np.minimum(np.arange(start, start + n_steps), len(commands) - 1)
    return commands[rows]
