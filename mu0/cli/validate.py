"""`mu0 validate`: every fault of every episode below a folder, as a table."""

from collections import Counter
from pathlib import Path

import typer

from mu0.errors import EpisodeError

MAX_ROWS = 500


def validate_folder(folder: Path, index: Path | None) -> None:
    """Validate one episode, or every episode below a folder, of any layout.

    Args:
        folder: An episode or a tree of them.
        index: Where a table with one row per episode goes, .parquet or .csv.

    Raises:
        EpisodeError: There is none, or some break their format.
    """
    from mu0.cli.tables import print_table
    from mu0.episodes.layouts.kinds import require_episodes
    from mu0.episodes.layouts.table import write_episode_table
    from mu0.episodes.layouts.validate import validate_layout
    from mu0.progress import track

    episodes = require_episodes(folder)
    rows: list[tuple[str, str, str, str, str]] = []
    broken = 0
    for path, layout in track(episodes, "validating episodes"):
        violations = validate_layout(path, layout)
        broken += bool(violations)
        name = path.relative_to(folder).as_posix() if path != folder else path.resolve().name
        rows += [(name, fault.file, fault.field, fault.found, fault.expected) for fault in violations]
    if rows:
        print_table(("episode", "file", "field", "found", "expected"), rows[:MAX_ROWS])
    if len(rows) > MAX_ROWS:
        typer.echo(f"... and {len(rows) - MAX_ROWS} more faults; validate the episodes one by one.")
    if index is not None:
        table = write_episode_table(folder, index)
        typer.echo(f"{index}: {len(table)} episode(s), {int(table['n_rows'].sum())} rows of traces.")
    counts = ", ".join(f"{n} {layout}" for layout, n in Counter(kind for _, kind in episodes).items())
    if broken:
        raise EpisodeError(
            f"{broken} of {len(episodes)} episodes break the format ({len(rows)} faults; {counts}).",
            expected="the layouts of docs/formats.md",
            remedy="mend the fields named above, or extract again.",
        )
    typer.secho(f"{len(episodes)} episode(s), all valid ({counts}).", fg=typer.colors.GREEN)
