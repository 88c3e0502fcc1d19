"""Progress for people: a live bar on a terminal, a line now and then in a log."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")

LOG_EVERY_S = 10.0


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` while showing how many are done and how long the rest will take."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track as rich_track

        yield from rich_track(items, description=what, total=total, console=Console(stderr=True))
        return
    started = last = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last >= LOG_EVERY_S or done == total:
            last = now
            rest_s = (now - started) / done * (total - done) if total else 0.0
            of = f"/{total}" if total else ""
            sys.stderr.write(f"{what}: {done}{of}, {now - started:.0f} s, about {rest_s:.0f} s left\n")
            sys.stderr.flush()
