"""How every stage starts and ends: errors for people become a message and an exit code, not a traceback."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from mu0.errors import Mu0Error
from mu0.processes.ancestors import VARIABLE, end_with_ancestors
from mu0.processes.interruption import exit_code_of, interruptible
from mu0.system_errors import leave_if_nobody_reads, told

OWN_LOGGERS = ("mu0", "assets_defs", "__main__")  # libraries speak from WARNING on
FAILED = 1
MESSAGE = "\nInterrupted. Finished work is kept; the same command goes on from here.\n"


def configure_logging(speaker: str = "") -> None:
    """Lines for people; `speaker` comes first where several processes write to one terminal."""
    logging.basicConfig(level=logging.WARNING, format=f"{speaker}: %(message)s" if speaker else "%(message)s")
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)


def run_stage(main: Callable[[], None]) -> None:
    """Run `main` and leave the process with 0, 130 (Ctrl-C), 143 (SIGTERM) or 1.

    1 is a `Mu0Error`, printed, or what the system refuses (a full disk, a read-only place), told as one.
    The process also stops when DVC, or whoever called DVC, has ended.
    """
    configure_logging()
    end_with_ancestors(os.environ)
    try:
        with interruptible():
            main()
    except Mu0Error as error:
        _fail(error)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            leave_if_nobody_reads()
        _fail(told(error, {}))
    except KeyboardInterrupt as interruption:
        if VARIABLE not in os.environ:  # otherwise who called DVC says so, when all have ended
            sys.stderr.write(MESSAGE)
        _leave(exit_code_of(interruption))


def _fail(error: Mu0Error) -> NoReturn:
    with suppress(OSError):  # who read the messages may have gone
        sys.stderr.write(f"\n{type(error).__name__}: {error}\n")
    sys.exit(FAILED)


def _leave(code: int) -> None:
    """End the process, without waiting for threads that are still at work."""
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if any(not thread.daemon for thread in others):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
