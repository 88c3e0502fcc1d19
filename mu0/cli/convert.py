"""`mu0 convert`: episodes from one layout to another, with an account of what it costs."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mu0.errors import EpisodeError

if TYPE_CHECKING:
    from mu0.episodes.layouts.convert import Conversion

LOCK_NAME = ".mu0_convert.lock"
MAX_NAMES = 3  # of episodes in a line


def convert_folder(source: Path, goal: Path, to: str, *, overwrite: bool) -> None:
    """Convert one episode, or every episode below a folder.

    Args:
        source: An episode or a tree of them, of any layout.
        goal: Folder in which the same tree appears.
        to: "official", "legacy" or "traceforge".
        overwrite: Replace what lies at the goal.

    Raises:
        EpisodeError: The layout does not exist, the goal is occupied, or episodes could not be converted.
    """
    from mu0.cli.tables import print_table
    from mu0.episodes.layouts.convert import convert_all, plan_conversions, sweep
    from mu0.episodes.layouts.kinds import LAYOUTS
    from mu0.file_lock import locked_if_free
    from mu0.progress import track

    layout = next((name for name in LAYOUTS if name == to), None)
    if layout is None:
        raise EpisodeError(
            f"There is no layout {to!r}.",
            expected=f"one of {', '.join(LAYOUTS)}",
            remedy="correct --to; docs/formats.md describes them.",
        )
    plan = plan_conversions(source, goal, layout, overwrite=overwrite)
    with locked_if_free(goal / LOCK_NAME) as is_ours:
        if not is_ours:
            raise EpisodeError(
                f"Another process is converting into {goal}.",
                expected="one conversion into a folder at a time",
                remedy="wait for it, or choose another goal.",
            )
        sweep(plan)
        results = list(track(convert_all(plan, source, layout), f"converting to {layout}", len(plan)))
    print_table(("from", "status", "what it costs", "episodes"), _rows(results))
    counts = Counter(result.status for result in results)
    typer.echo(", ".join(f"{counts[status]} {status}" for status in sorted(counts)) + f"; in {goal}")
    if counts["failed"]:
        raise EpisodeError(
            f"{counts['failed']} of {len(results)} episodes could not be converted.",
            expected="sound episodes",
            remedy="see the table; `mu0 validate` lists every fault. The others are done.",
        )


def _rows(results: list["Conversion"]) -> list[tuple[str, str, str, str]]:
    """A line per cost, with the episodes that share it; mu0_conversion.json in each holds its own."""
    episodes: dict[tuple[str, str, str], list[str]] = {}
    for result in results:
        for text in _texts(result):
            episodes.setdefault((result.layout, result.status, text), []).append(result.name)
    return [(*key, _named(names)) for key, names in episodes.items()]


def _texts(result: "Conversion") -> list[str]:
    if result.status == "failed":
        return [result.reason]
    account = result.account
    texts = [f"lost: {text}" for text in account.lost]
    texts += [f"never there: {text}" for text in account.absent]
    return [*texts, *account.notes] or ["nothing"]


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
