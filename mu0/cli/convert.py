"""`mu0 convert`: episodes from one layout to another, with an account of what it costs."""

from collections import Counter
from pathlib import Path

import typer

from mu0.errors import EpisodeError


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
    from mu0.episodes.layouts.convert import convert_all, plan_conversions
    from mu0.episodes.layouts.kinds import LAYOUTS
    from mu0.progress import track

    layout = next((name for name in LAYOUTS if name == to), None)
    if layout is None:
        raise EpisodeError(
            f"There is no layout {to!r}.",
            expected=f"one of {', '.join(LAYOUTS)}",
            remedy="correct --to; docs/formats.md describes them.",
        )
    plan = plan_conversions(source, goal, layout, overwrite=overwrite)
    results = list(track(convert_all(plan, source, layout), f"converting to {layout}", len(plan)))
    rows = [
        (result.name, f"{result.layout} -> {layout}", result.status, text)
        for result in results
        for text in _texts(result.reason, result.account.lost, result.account.absent, result.account.notes)
    ]
    print_table(("episode", "layout", "status", "what it costs"), rows)
    counts = Counter(result.status for result in results)
    typer.echo(", ".join(f"{counts[status]} {status}" for status in sorted(counts)) + f"; in {goal}")
    if counts["failed"]:
        raise EpisodeError(
            f"{counts['failed']} of {len(results)} episodes could not be converted.",
            expected="sound episodes",
            remedy="see the table; `mu0 validate` lists every fault. The others are done.",
        )


def _texts(reason: str, lost: tuple[str, ...], absent: tuple[str, ...], notes: tuple[str, ...]) -> list[str]:
    texts = [f"lost: {text}" for text in lost] + [f"never there: {text}" for text in absent] + [*notes]
    return ([reason] if reason else texts) or ["nothing"]
