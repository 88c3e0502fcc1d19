"""Hears what DVC says about its stages, in DVC's own process, and tells the progress line.

DVC logs `Running stage 'X':`, `Stage 'X' didn't change, skipping` and `Stage 'X' is cached - skipping run`.
Output and colours of DVC and of the stages stay as they are: nothing stands between them and the terminal.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from orchestration.progress.line import BottomLine, ChainProgress
from orchestration.progress.plan import VARIABLE, Plan
from orchestration.progress.recorded import StageSeconds

RUNNING = re.compile(r"Running stage '([^']+)'")
SKIPPED = re.compile(r"Stage '([^']+)' (?:didn't change|is cached)")


class Listener(logging.Handler):
    """A log handler that hears of stages."""

    def __init__(self, progress: ChainProgress) -> None:
        super().__init__(logging.INFO)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Hand on what is about a stage."""
        message = record.getMessage()
        if found := RUNNING.search(message):
            self._progress.begin(found[1].rpartition(":")[2])
        elif found := SKIPPED.search(message):
            self._progress.skip(found[1].rpartition(":")[2])


@contextmanager
def progress_of_dvc(environment: Mapping[str, str]) -> Iterator[ChainProgress | None]:
    """Show how far DVC is while the block runs; nothing if nobody made a plan."""
    text = environment.get(VARIABLE)
    if not text:
        yield None
        return
    progress = ChainProgress(Plan.from_json(text), StageSeconds())
    listener = Listener(progress)
    logger = logging.getLogger("dvc")
    logger.addHandler(listener)
    try:
        with BottomLine(progress.now):
            yield progress
    finally:
        logger.removeHandler(listener)
