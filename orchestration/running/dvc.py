"""`python -m orchestration.running.dvc ...`: DVC, in a process that ends with the one that started it.

DVC itself would go on when `mu0 run` or a Dagster run is killed. Its stages find this process among those
that they work for, and end with it.
"""

import os
import signal
import sys
import threading
import time
from types import FrameType

from mu0.processes.ancestors import VARIABLE, end_with_ancestors, naming
from mu0.processes.interruption import Interrupted
from orchestration.progress.listening import progress_of_dvc

LOOK_EVERY_S = 0.01


def main() -> None:
    """Run DVC with the arguments of this command; leave with its exit code."""
    leads = os.getpgid(0) == os.getpid()
    end_with_ancestors(os.environ, with_group=leads)
    os.environ[VARIABLE] = naming(os.environ, os.getpid())[VARIABLE]
    signal.signal(signal.SIGTERM, _stop)
    from dvc.cli import main as dvc

    with progress_of_dvc(os.environ) as progress:
        code = dvc(sys.argv[1:])
        if progress and code == 0:
            progress.end()
    sys.exit(code)


def _stop(number: int, _frame: FrameType | None) -> None:
    """Stop now, or when the stage at work has ended: it got the signal too, and DVC tells how it ended."""
    if not _stage_is_at_work():
        raise Interrupted(number)
    threading.Thread(target=_stop_after_stage, daemon=True).start()


def _stage_is_at_work() -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # DVC sees to that, and forgets a Ctrl-C


def _stop_after_stage() -> None:
    while _stage_is_at_work():
        time.sleep(LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)  # otherwise the next stage would start


if __name__ == "__main__":
    main()
