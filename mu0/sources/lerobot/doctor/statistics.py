"""Whether the statistics beside the data are those of the data: trainers normalise with them.

v2.0 and v3.0 have one stats.json, v2.1 a line per episode. Minimum, maximum, mean and standard deviation of
every feature of floats are compared; quantiles are not, for there are several ways to take them.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mu0.errors import StageError
from mu0.files import read_json
from mu0.sources.lerobot.doctor.findings import WHOLE, Finding
from mu0.sources.lerobot.doctor.signals import Signals
from mu0.sources.lerobot.layout import Layout

SPAN_SHARE = 1e-3  # a float32 mean over many rows
REMEDY = "`--repair` takes them anew."


def check_statistics(layout: Layout, episodes: Sequence[Signals], *, is_complete: bool) -> Iterator[Finding]:
    """Hold what the dataset says of its numbers against the numbers.

    Args:
        layout: The dataset.
        episodes: Those whose numbers are finite.
        is_complete: These are all episodes; otherwise only values beyond the extremes can be told.
    """
    if layout.version == "v2.1":
        told_of = _by_episode(layout.root / "meta/episodes_stats.jsonl")
        for signals in episodes:
            told = told_of.get(signals.episode.index, {})
            yield from _compare(signals.name, told, signals.numbers, is_complete=True)
    elif episodes:
        numbers = {
            name: np.concatenate([signals.numbers[name] for signals in episodes])
            for name in episodes[0].numbers
        }
        told = _whole(layout.root / "meta/stats.json")
        yield from _compare(WHOLE, told, numbers, is_complete=is_complete)


def _compare(
    where: str, told: dict[str, Any], numbers: dict[str, Float[np.ndarray, "_ _"]], *, is_complete: bool
) -> Iterator[Finding]:
    for name, values in numbers.items():
        if found := _difference(told.get(name), values, is_complete=is_complete):
            yield Finding(where, "statistics", "mendable", f"{name}: {found}", "those of the data", REMEDY)


def _difference(told: Any, values: Float[np.ndarray, "_ n"], *, is_complete: bool) -> str:
    """The first statistic that is not that of the values; empty where all are."""
    if not isinstance(told, dict):
        return "there are no statistics"
    low, high = values.min(axis=0), values.max(axis=0)
    own = {"min": low, "max": high, "mean": values.mean(axis=0), "std": values.std(axis=0)}
    slack = SPAN_SHARE * (high - low) + 1e-6 * np.maximum(np.abs(high), np.abs(low)) + 1e-9
    for name, right in own.items():
        said = _vector(told.get(name))
        if said is None or said.shape != right.shape:
            return f"{name} is {'missing' if said is None else f'of {said.size} dimensions'}"
        beyond = {"min": said - right, "max": right - said}.get(name, np.zeros(right.shape))
        wrong = np.flatnonzero(~((np.abs(said - right) if is_complete else beyond) <= slack))
        if len(wrong):
            at = int(wrong[0])
            return f"{name} of dimension {at} is told as {said[at]:.5g}, and is {right[at]:.5g}"
    return ""


def _vector(numbers: Any) -> Float[np.ndarray, " n"] | None:
    try:
        return np.asarray(numbers, np.float64).reshape(-1) if numbers is not None else None
    except (TypeError, ValueError):
        return None


def _whole(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except StageError:  # missing or no JSON: then nothing is told
        return {}
    return content if isinstance(content, dict) else {}


def _by_episode(path: Path) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
            found[int(row["episode_index"])] = dict(row["stats"])
        except (ValueError, KeyError, TypeError):  # a damaged line tells nothing
            continue
    return found
