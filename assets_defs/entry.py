"""How every stage starts and ends: errors for people become a message and an exit code, not a traceback."""

import logging
import os
import sys
import threading
from collections.abc import Callable

from mu0.errors import Mu0Error
from mu0.processes.ancestors import VARIABLE, end_with_ancestors
from mu0.processes.interruption import exit_code_of, interruptible

OWN_LOGGERS = ("mu0", "assets_defs", "__main__")  # libraries speak from WARNING on
FAILED = 1
MESSAGE = "\nInterrupted. Finished work is kept; the same command goes on from here.\n"


def configure_logging(speaker: str = "") -> None:
    """Lines for people; `speaker` comes first where several processes write to one terminal."""
    logging.basicConfig(level=logging.WARNING, format=f"{speaker}: %(message)s" if speaker else "%(message)s")
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)


def run_stage(main: Callable[[], None]) -> None:
    """Run `main` and leave the process with 0, 1 (a `Mu0Error`, printed), 130 (Ctrl-C) or 143 (SIGTERM).

    The process also stops when DVC, or whoever called DVC, has ended.
    """
    configure_logging()
    end_with_ancestors(os.environ)
    try:
        with interruptible():
            main()
    except Mu0Error as error:
        sys.stderr.write(f"\n{type(error).__name__}: {error}\n")
        sys.exit(FAILED)
    except KeyboardInterrupt as interruption:
        if VARIABLE not in os.environ:  # otherwise who called DVC says so, when all have ended
            sys.stderr.write(MESSAGE)
        _leave(exit_code_of(interruption))


def _leave(code: int) -> None:
    """End the process, without waiting for threads that are still at work."""
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if any(not thread.daemon for thread in others):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
