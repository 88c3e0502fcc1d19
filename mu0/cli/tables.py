"""Tables for people: as wide as the terminal, or as wide as their content where nobody looks."""

import sys
from collections.abc import Iterable, Sequence

PLAIN_WIDTH = 400


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print rows under their columns; on a terminal long cells wrap, in a pipe no line is broken."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    is_terminal = sys.stdout.isatty()
    table = Table(*columns, title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold", no_wrap=not is_terminal) for cell in row))
    Console(width=None if is_terminal else PLAIN_WIDTH).print(table)
