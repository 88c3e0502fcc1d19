"""How much one question may ask, and what its fields must be; the same for a served model and `mu0 predict`.

Every check returns the plain value or raises a `PredictionError` that names the field. Whoever asks may be
another program: a null, a ragged list or a text in the place of a number gets a reason, not a traceback.
"""

import math
import numbers
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from mu0.errors import PredictionError

MAX_ROWS = 256
MAX_SAMPLES = 64
MAX_KEYPOINTS = 1024  # a grid of 32 x 32
MAX_TEXT_CHARACTERS = 4000
MAX_SEED = 2**31 - 1  # what MLflow's `integer` holds
MAX_COORDINATE = 1000.0  # metres, radians, or picture widths: beyond this, units are wrong
LONGEST_SHOWN = 60


def check_rows(n_rows: int) -> None:
    """One call asks a limited number of questions.

    Raises:
        PredictionError: There are more.
    """
    if n_rows > MAX_ROWS:
        raise PredictionError(
            f"The request has {n_rows} rows.", expected=f"at most {MAX_ROWS}", remedy="send several requests."
        )


def check_text(value: object, field: str) -> str:
    """A sentence of a length that a person writes.

    Raises:
        PredictionError: It is no text, blank or too long.
    """
    expected = f"a text of 1 to {MAX_TEXT_CHARACTERS} characters"
    if not isinstance(value, str):
        raise _refused(field, f"is {_shown(value)}", expected, "say what is going to happen.")
    if not value.strip():
        raise _refused(field, "is blank", expected, "say what is going to happen.")
    if len(value) > MAX_TEXT_CHARACTERS:
        raise _refused(field, f"has {len(value)} characters", expected, "ask with one sentence.")
    return value


def check_whole_number(value: object, field: str, lowest: int, highest: int) -> int:
    """A whole number between two limits, both included.

    Raises:
        PredictionError: It is anything else; a truth value is no number.
    """
    expected = f"a whole number from {lowest} to {highest}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        raise _refused(field, f"is {_shown(value)}", expected, "correct it.")
    if not lowest <= int(value) <= highest:
        raise _refused(field, f"is {_shown(value)}", expected, "correct it, or ask several times.")
    return int(value)


def check_points_px(value: object, field: str, size_px: tuple[int, int]) -> Float32[np.ndarray, "q 2"]:
    """Pixels inside a picture.

    Args:
        value: A list of [x, y].
        field: Its name.
        size_px: Width and height of the picture.

    Raises:
        PredictionError: It is no such list, empty, too long, or a point lies outside.
    """
    expected = f"1 to {MAX_KEYPOINTS} pairs [x, y] with 0 <= x <= {size_px[0]} and 0 <= y <= {size_px[1]}"
    remedy = "give pixels of the picture itself, e.g. [[64, 80]]."
    points = _as_list(value)
    if points is None or not 1 <= len(points) <= MAX_KEYPOINTS:
        found = f"is {_shown(value)}" if points is None else f"has {len(points)} points"
        raise _refused(field, found, expected, remedy)
    for number, point in enumerate(points):
        pair = _as_list(point)
        if pair is None or len(pair) != 2 or not all(map(_is_finite_number, pair)):
            raise _refused(field, f"has {_shown(point)} as its point {number}", expected, remedy)
        if not all(0 <= number_px <= side for number_px, side in zip(pair, size_px, strict=True)):
            raise _refused(field, f"has its point {number}, {_shown(point)}, outside", expected, remedy)
    return np.array([_as_list(point) for point in points], dtype=np.float32)


def check_numbers(value: object, field: str, length: int) -> Float32[np.ndarray, " length"]:
    """A list of finite numbers of a sensible size.

    Raises:
        PredictionError: It is no list, has another length, or a number is missing, infinite or huge.
    """
    expected = f"{length} numbers between -{MAX_COORDINATE:g} and {MAX_COORDINATE:g}"
    remedy = "give them in the order and the units of docs/conventions.md."
    given = _as_list(value)
    if given is None or len(given) != length:
        found = f"is {_shown(value)}" if given is None else f"has {len(given)} values"
        raise _refused(field, found, expected, remedy)
    for number, item in enumerate(given):
        if not _is_finite_number(item) or abs(item) > MAX_COORDINATE:
            raise _refused(field, f"has {_shown(item)} as its value {number}", expected, remedy)
    return np.array(given, dtype=np.float32)


def check_coordinates(values: Float[np.ndarray, "..."], field: str) -> None:
    """NaN means unknown; everything else must be of a sensible size.

    Raises:
        PredictionError: There are too many keypoints (first axis), or a number is infinite or huge.
    """
    expected = f"at most {MAX_KEYPOINTS} keypoints, numbers up to {MAX_COORDINATE:g}, NaN where unknown"
    if len(values) > MAX_KEYPOINTS:
        raise _refused(field, f"has {len(values)} keypoints", expected, "ask in several calls.")
    if (np.abs(values) > MAX_COORDINATE).any():
        largest = float(np.nanmax(np.abs(values)))
        raise _refused(field, f"has a number of size {largest:g}", expected, "check units: u, v, metres.")


def _as_list(value: object) -> list[Any] | None:
    if isinstance(value, np.ndarray):
        return value.tolist() if value.ndim else None
    return list(value) if isinstance(value, list | tuple) else None


def _is_finite_number(value: object) -> bool:
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond the largest float
        return False


def _shown(value: object) -> str:
    try:
        text = "null or missing" if value is None else repr(value)
    except ValueError:  # a whole number of thousands of digits
        text = "a number of very many digits"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}… ({type(value).__name__})"


def _refused(field: str, found: str, expected: str, remedy: str) -> PredictionError:
    return PredictionError(f"The field `{field}` {found}.", expected=expected, remedy=remedy)
