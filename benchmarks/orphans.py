"""Kill a chain at random moments and count what is left of it: nothing may be.

    python benchmarks/orphans.py [--kills 200] [--seed 1] [--out orphans.json]

A miniature project runs under `mu0`, make, DVC and Dagster. Its stages start as all stages do and have both
kinds of workers: those that end where they stand (extraction, recording, rollouts) and those that tidy up
(action experts). At a random moment between the start and a second of full work, Ctrl-C, SIGTERM or SIGKILL
hits the program above, DVC, the stage or a worker. Five seconds later every process that inherited the mark
of this kill is counted, the program above included (except Dagster's, which still writes down how its run
ended); at the end the same command must come through.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from orphans_project import command_of, write_project

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.marked_processes import VARIABLE, kill_marked, marked, survivors  # noqa: E402
from mu0.processes.interruption import interruptible  # noqa: E402
from orchestration.running.dvc_locks import mend_locks  # noqa: E402

WITHIN_S = 5.0
PARENTS = ("mu0", "make", "dvc", "dagster")
KINDS = ("plain", "tidies")
VICTIMS = {"top": "", "dvc": "dvc", "stage": "stage.py", "worker": "spawn_main"}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
LIMIT_S = 120.0


@dataclass(frozen=True)
class Kill:
    """Who is hit, by what, and how long after the start (of the stage's work if `late`)."""

    parent: str
    kind: str
    victim: str
    number: signal.Signals
    late: bool
    after_s: float


def plan(n: int, seed: int) -> list[Kill]:
    """Kills spread over all parents, pools, victims and signals."""
    random_ = random.Random(seed)
    kills = []
    for index in range(n):
        parent, kind = PARENTS[index % 4], KINDS[index // 4 % 2]
        number = SIGNALS[index // 8 % 3]
        victims = ["top"] if number is signal.SIGINT else list(VICTIMS)
        victim = victims[index // 24 % len(victims)]
        late = victim != "top" or random_.random() < 0.5
        kills.append(Kill(parent, kind, victim, number, late, random_.uniform(0, 1.0 if late else 4.0)))
    return kills


def start(folder: Path, parent: str, kind: str, mark: str) -> "subprocess.Popen[str]":
    """The chain in a session of its own, as in a terminal of its own."""
    binaries = str(Path(sys.executable).parent)
    environment = os.environ | {
        VARIABLE: mark,
        "PATH": os.pathsep.join([binaries, os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "DVC_NO_ANALYTICS": "1",
        "DAGSTER_HOME": str(folder / "dagster_home"),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "HOME": str(folder),
    }
    environment.pop("MU0_ENDS_WITH", None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as it is in what a script starts with `&`
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if parent == "dvc":
        mend_locks(folder / ".dvc/tmp")  # the other parents do so themselves
    with (folder / "log.txt").open("w") as log:
        return subprocess.Popen(
            command_of(parent, kind), cwd=folder, env=environment, stdout=log, stderr=log, text=True,
            start_new_session=True,
        )  # fmt: skip


def hit(kill: Kill, top: "subprocess.Popen[str]", mark: str) -> int:
    """Send the signal; how many processes there were. Ctrl-C goes to the whole foreground group."""
    alive = marked(mark)
    if kill.number is signal.SIGINT:
        with suppress(ProcessLookupError):
            os.killpg(top.pid, signal.SIGINT)
    elif kill.victim == "top":
        top.send_signal(kill.number)
    else:
        for process in alive:
            with suppress(psutil.Error):
                if VICTIMS[kill.victim] in " ".join(process.cmdline()):
                    process.send_signal(kill.number)
                    break
    return len(alive)


def kill_once(folder: Path, kill: Kill, within_s: float = WITHIN_S) -> tuple[int, list[str], float]:
    """Start, kill, and count: processes alive at the kill, those left in the end, seconds until then."""
    mark = uuid.uuid4().hex
    (folder / "working").unlink(missing_ok=True)
    top = start(folder, kill.parent, kill.kind, mark)
    try:
        limit_s = time.monotonic() + LIMIT_S
        while kill.late and not (folder / "working").exists():
            assert top.poll() is None, (folder / "log.txt").read_text()
            assert time.monotonic() < limit_s, "the stage did not begin"
            time.sleep(0.02)
        time.sleep(kill.after_s)
        n_alive, killed_s = hit(kill, top, mark), time.monotonic()
        tells = kill.parent == "dagster"  # how the run ended, into its own store, in its own time
        left = survivors(mark, within_s, besides=top.pid if tells else 0)
        return n_alive, left, time.monotonic() - killed_s
    finally:
        kill_marked(mark)
        top.wait()


def completes(folder: Path, kind: str) -> bool:
    """Whether the same command comes through when nobody disturbs it."""
    (folder / "fast").touch()
    mark = uuid.uuid4().hex
    code = start(folder, "mu0", kind, mark).wait(LIMIT_S)
    (folder / "fast").unlink()
    return code == 0 and (folder / f"data/{kind}.txt").read_text() == "0 1 4 9"


def main() -> None:
    """Kill, count, print a table, and leave with 1 if anything outlived its parent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    kills, orphans, alive, each = Counter[str](), Counter[str](), Counter[str](), []
    slowest_s: dict[str, float] = {}
    with interruptible(), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder)
        for kill in plan(options.kills, options.seed):
            n_alive, left, ended_s = kill_once(folder, kill)
            key = f"{kill.parent:<8} {kill.number.name}"
            kills[key] += 1
            alive[key] += n_alive
            orphans[key] += len(left)
            slowest_s[key] = max(ended_s, slowest_s.get(key, 0.0))
            each.append(
                vars(kill)
                | {"number": kill.number.name, "n_alive": n_alive, "left": left, "ended_s": ended_s}
            )
            told = f"{len(each)}/{options.kills} {key:<16} {kill.victim:<7} {n_alive} in {ended_s:.1f} s"
            print(told, *left, sep="\n    ", flush=True)
        through = all(completes(folder, kind) for kind in KINDS)
    print(f"\n{'parent   signal':<18}{'kills':>7}{'processes':>11}{'survivors':>11}{'slowest [s]':>13}")
    for key in sorted(kills):
        print(f"{key:<18}{kills[key]:>7}{alive[key]:>11}{orphans[key]:>11}{slowest_s[key]:>13.1f}")
    print(f"{'all':<18}{kills.total():>7}{alive.total():>11}{orphans.total():>11}")
    print("The same command came through." if through else "The same command did NOT come through.")
    if options.out:
        options.out.write_text(json.dumps({"completes": through, "kills": each}, indent=2) + "\n")
    sys.exit(bool(orphans.total()) or not through)


if __name__ == "__main__":
    main()
