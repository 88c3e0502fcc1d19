"""`python -m orchestration.running.dvc ...`: DVC, in a process that ends with the one that started it.

DVC itself would go on when `mu0 run` or a Dagster run is killed. Its stages find this process among those
that they work for, and end with it.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from mu0.processes.ancestors import VARIABLE, end_with_ancestors, naming
from mu0.processes.interruption import Interrupted
from orchestration.progress.listening import progress_of_dvc
from orchestration.running.dvc_locks import mend_locks

WRITERS = ("dvc/rwlock.py", "dvc/dvcfile.py")
"""Write DVC's records in place: stopped half-way, they leave a file that no later command can read."""
LOOK_EVERY_S = 0.01


def main() -> None:
    """Run DVC with the arguments of this command; leave with its exit code."""
    is_leader = os.getpgid(0) == os.getpid()
    end_with_ancestors(os.environ, with_group=is_leader)
    os.environ[VARIABLE] = naming(os.environ, os.getpid())[VARIABLE]
    mend_locks(Path(".dvc/tmp"))
    from dvc.cli import main as dvc

    with progress_of_dvc(os.environ) as progress:
        try:
            signal.signal(signal.SIGTERM, _stop)
            code = dvc(sys.argv[1:])
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # we are leaving
        except Interrupted as interruption:  # while DVC was tidying up
            code = interruption.exit_code
        if progress and code == 0:
            progress.end()
    sys.exit(code)


class _Asked:
    """What became of the signal."""

    has_told_group = False


def _stop(number: int, frame: FrameType | None) -> None:
    """Signal handler: stop now, or a moment later.

    A stage at work is to stop too, and DVC writes down how it ended; the next one must not start.
    """
    if not _is_writing(frame) and not _stage_is_at_work():
        raise Interrupted(number)
    if not _Asked.has_told_group and os.getpgid(0) == os.getpid():
        _Asked.has_told_group = True
        os.killpg(0, number)  # the signal may have come to this process alone
    threading.Thread(target=_ask_again, daemon=True).start()


def _stage_is_at_work() -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # DVC sees to that, and forgets a Ctrl-C


def _is_writing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.endswith(WRITERS):
            return True
        frame = frame.f_back
    return False


def _ask_again() -> None:
    time.sleep(LOOK_EVERY_S)
    while _stage_is_at_work():
        time.sleep(LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
