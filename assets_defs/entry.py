"""How every stage starts and ends: errors for people become a message and an exit code, not a traceback."""

import logging
import sys
from collections.abc import Callable

from mu0.errors import Mu0Error

OWN_LOGGERS = ("mu0", "assets_defs", "__main__")  # libraries speak from WARNING on
FAILED = 1
INTERRUPTED = 130


def configure_logging(speaker: str = "") -> None:
    """Lines for people; `speaker` comes first where several processes write to one terminal."""
    logging.basicConfig(level=logging.WARNING, format=f"{speaker}: %(message)s" if speaker else "%(message)s")
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)


def run_stage(main: Callable[[], None]) -> None:
    """Run `main` and leave the process with 0, 1 (a `Mu0Error`, printed) or 130 (Ctrl-C)."""
    configure_logging()
    try:
        main()
    except Mu0Error as error:
        sys.stderr.write(f"\n{type(error).__name__}: {error}\n")
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. Finished work is kept; the same command goes on from here.\n")
        sys.exit(INTERRUPTED)
