"""Reading trajectories out of a chat model's answer: all of them, complete, or an error in words.

The official scripts let a keypoint that the model left out stand still and repeat the last point of a short
answer. Those numbers would be ours and not the model's, so this is refused unless it is asked for, and then
counted.

Source
    reference/mu0.md §7, baselines GPT / Gemini.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mu0.baselines.api_vlm.prompt import GRID
from mu0.traceextract.captions.captioners.answer import AnswerError, find_object

FARTHEST = 10 * GRID  # a coordinate beyond it is a mistake and no place outside the picture


@dataclass(frozen=True)
class Trajectories:
    """What an answer says.

    Attributes:
        grid: Coordinates of every keypoint and step, 0..1000 over the picture.
        n_filled: Keypoints that were left out or short, and were completed.
    """

    grid: Float[np.ndarray, "q step 2"]
    n_filled: int


def read_trajectories(
    text: str, anchors: Float[np.ndarray, "q 2"], future_len: int, *, complete: bool
) -> Trajectories:
    """The futures in an answer.

    Args:
        text: What the model wrote.
        anchors: Where the keypoints are now, in the answer's coordinates.
        future_len: Steps that were asked for.
        complete: Stand still for keypoints that are missing, and repeat the last point of short answers.

    Raises:
        AnswerError: Something that must be there is not, or something that is there is wrong; told in words
            that can be sent back.
    """
    told = _told(find_object(text, "trajectories"), len(anchors), future_len)
    missing = sorted(set(range(len(anchors))) - set(told))
    if missing and not complete:
        raise AnswerError(f"trajectories lacks the ids {missing}")
    n_filled = len(missing)
    rows = []
    for number, anchor in enumerate(anchors):
        path = told.get(number, [])
        if len(path) < future_len:
            if not complete:
                raise AnswerError(f"id {number} has {len(path)} positions, not {future_len}")
            n_filled += number in told
            path = path + [path[-1] if path else (float(anchor[0]), float(anchor[1]))] * (
                future_len - len(path)
            )
        rows.append(path)
    return Trajectories(np.array(rows, dtype=np.float64), n_filled)


def _told(answer: dict[str, object], n_queries: int, future_len: int) -> dict[int, list[tuple[float, float]]]:
    """Every entry checked; nothing added."""
    entries = answer.get("trajectories")
    if not isinstance(entries, list):
        raise AnswerError("trajectories must be a list of objects")
    told: dict[int, list[tuple[float, float]]] = {}
    for entry in entries:
        number = entry.get("id") if isinstance(entry, dict) else None
        if type(number) is not int or not 0 <= number < n_queries:
            raise AnswerError(f"each entry of trajectories needs an id from 0 to {n_queries - 1}")
        if number in told:
            raise AnswerError(f"the id {number} appears twice")
        future = entry.get("future")
        if not isinstance(future, list) or len(future) > future_len:
            raise AnswerError(f"future of id {number} must be a list of {future_len} pairs")
        told[number] = [_pair(place, number) for place in future]
    return told


def _pair(place: object, number: int) -> tuple[float, float]:
    if isinstance(place, list) and len(place) == 2:
        u, v = place
        if _is_coordinate(u) and _is_coordinate(v):
            return float(u), float(v)
    raise AnswerError(f"future of id {number} must hold pairs [u, v] of numbers from 0 to {GRID}")


def _is_coordinate(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and abs(value) <= FARTHEST  # type: ignore[arg-type]
