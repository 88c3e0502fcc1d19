"""Times of frames: in lists `time file` (TUM), one number per line, or in the files' own names.

Times are seconds unless the numbers say otherwise: an epoch of 13, 16 or 19 digits is milli-, micro- or
nanoseconds; else, where seconds would mean fewer than one frame per second and exactly one other unit gives a
camera's rate (1 to 480 Hz), it is that unit, and the clip's note says so. Frames are put in order of time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from mu0.errors import SourceError
from mu0.files import NUMBER, inside
from mu0.sources.clip.plausible import FASTEST_HZ, SLOWEST_HZ
from mu0.text_files import text_with_names

MAX_TIME_GAP_S = 0.02
FASTEST_GUESS_HZ = 125.0  # steps of 3 are rather seconds of a slow recording than milliseconds of a fast one
TIME_NAMES = (
    "timestamps.txt",
    "times.txt",
    "timestamp.txt",
    "timestamps.csv",
    "times.csv",
    "color_timestamps.txt",
)
UNITS_PER_S = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
YEAR_2001_S, YEAR_2286_S = 1e9, 1e10


@dataclass(frozen=True)
class TimeList:
    """Lines of a list: times as they stand there, and the files."""

    path: Path
    times: Float[np.ndarray, " n"]
    files: tuple[Path, ...]

    def in_order(self) -> tuple["TimeList", str]:
        """The list in order of time, without lines that repeat a time; and what to tell about that."""
        order = np.argsort(self.times, kind="stable")
        kept = order[np.append(True, np.diff(self.times[order]) > 0)] if len(order) else order
        n_back, n_double = int((np.diff(self.times) < 0).sum()), len(order) - len(kept)
        notes = [f"{self.path.name} was put in order of time"] * bool(n_back)
        notes += [f"{n_double} lines of {self.path.name} repeat a time and were left out"] * bool(n_double)
        found = TimeList(self.path, self.times[kept], tuple(self.files[index] for index in kept))
        return found, "; ".join(notes)


def read_time_list(path: Path, pair: int | None = None) -> TimeList:
    """Read lines `time file`, also with commas, a heading, or a byte-order mark.

    Args:
        path: The list.
        pair: Of lines `time file time file`, the first (0) or the second (1); None: of `time file`.

    Raises:
        SourceError: A line is something else, names a file outside of the folder, or there is none.
    """
    times: list[float] = []
    files: list[Path] = []
    for number, line in enumerate(text_of(path).splitlines(), 1):
        parts = re.split(r"[\s,;]+", line.strip(), maxsplit=1 if pair is None else 0)
        parts = parts if pair is None else parts[2 * pair : 2 * pair + 2]
        if is_comment(line) or (not files and number == 1 and not _is_number("".join(parts[:1]))):
            continue  # the latter is a heading
        try:
            times.append(_number(parts[0]))
            files.append(inside(path.parent, parts[1].strip(" \"'")))
        except (ValueError, IndexError):
            raise SourceError(
                f"{path}, line {number}: {line!r}.", expected="`time file`", remedy="correct the line."
            ) from None
        except SourceError as error:
            raise SourceError(
                f"{path}, line {number}: {error.found}", expected=error.expected, remedy=error.remedy
            ) from error
    if not files:
        raise SourceError(
            f"{path} lists no files.", expected="lines `time file`", remedy="complete the list."
        )
    return TimeList(path, np.array(times), tuple(files))


def text_of(path: Path) -> str:
    """The text of a list; names in it that are not UTF-8 keep their bytes, as names of files do."""
    return text_with_names(path.read_bytes())


def is_comment(line: str) -> bool:
    """Whether a line of a list says nothing."""
    return not line.strip() or line.lstrip().startswith(("#", "%", "//"))


def times_beside(folder: Path, n_frames: int) -> tuple[Float[np.ndarray, " t"] | None, Path | None]:
    """Times in a list of numbers, one line per frame, and the list; None where it is another one's."""
    path = next((folder / name for name in TIME_NAMES if (folder / name).is_file()), None)
    if path is None:
        return None, None
    rows = [re.split(r"[\s,;]+", line.strip()) for line in text_of(path).splitlines() if not is_comment(line)]
    numbers = [row[-1] for row in rows if _is_number(row[-1])]
    times = np.array([float(number) for number in numbers])
    if len(times) != n_frames or n_frames < 2 or (np.diff(times) <= 0).any():
        return None, None
    per_s, _ = time_unit(times)
    return (times / per_s, path) if _is_camera(times / per_s) else (None, None)


def times_of_names(paths: Sequence[Path]) -> Float[np.ndarray, " t"] | None:
    """Times that recorders write into names: decimals, or an epoch in milli-, micro- or nanoseconds.

    None where the numbers only count, do not rise, or would mean no camera's rate.
    """
    numbers = [(NUMBER.findall(path.stem) or [""])[-1] for path in paths]
    if len(paths) < 3 or any(not ("." in number or len(number) >= 13) for number in numbers):
        return None
    times = np.array([float(number) for number in numbers])
    if (np.diff(times) <= 0).any():
        return None
    per_s, _ = time_unit(times)
    return times / per_s if _is_camera(times / per_s) else None


def time_unit(times: Float[np.ndarray, " t"]) -> tuple[float, str]:
    """How many units of these rising times are a second, and what to tell where it is not one."""
    if len(times) < 2:
        return 1.0, ""
    step = float(np.median(np.diff(times)))
    of_epoch = [per_s for per_s in UNITS_PER_S.values() if YEAR_2001_S <= times[0] / per_s < YEAR_2286_S]
    if of_epoch:
        per_s = of_epoch[0]
    elif step <= 0 or _is_camera(times):
        counts = bool((np.diff(times) == 1).all())
        return 1.0, "times rise by one: 1 Hz if they are seconds, not frame numbers" if counts else ""
    else:
        per_s = next(
            (unit for unit in UNITS_PER_S.values() if _is_camera(times / unit, FASTEST_GUESS_HZ)), 1.0
        )
    name = next(name for name, unit in UNITS_PER_S.items() if unit == per_s)
    return per_s, "" if per_s == 1 else f"times were read as {name}: {step:g} {name} lie between two frames"


def _is_camera(times_s: Float[np.ndarray, " t"], fastest_hz: float = FASTEST_HZ) -> bool:
    step_s = float(np.median(np.diff(times_s)))
    return step_s > 0 and SLOWEST_HZ <= round(1 / step_s, 2) <= fastest_hz


def require_rate(path: Path, times_s: Float[np.ndarray, " t"]) -> None:
    """Refuse times that no camera has.

    Raises:
        SourceError: Their median rate is not within 1 to 480 Hz.
    """
    if len(times_s) > 1 and not _is_camera(times_s):
        step_s = float(np.median(np.diff(times_s)))
        raise SourceError(
            f"{path}: {step_s:g} lies between two times, which is {1 / step_s if step_s else np.inf:.4g} Hz.",
            expected=f"times of {SLOWEST_HZ:g} to {FASTEST_HZ:g} frames per second, in s, ms, us or ns",
            remedy="write the times in seconds.",
        )


def nearest(
    times_s: Float[np.ndarray, " t"], others_s: Float[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " t"], Float[np.ndarray, " t"]]:
    """The nearest of the other times, which rise, and how far it is [s]."""
    after = np.clip(np.searchsorted(others_s, times_s), 1, max(len(others_s) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(others_s) - 1)
    takes_after = np.abs(others_s[after] - times_s) < np.abs(others_s[before] - times_s)
    found = np.where(takes_after, after, before)
    return found, np.abs(others_s[found] - times_s)


def _is_number(text: str) -> bool:
    try:
        _number(text)
    except ValueError:
        return False
    return True


def _number(text: str) -> float:
    value = float(text)
    if not np.isfinite(value):
        raise ValueError(text)
    return value
