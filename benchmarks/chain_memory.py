"""Peak memory of a command with all it starts: the proportional set size (PSS), summed over its processes.

    python benchmarks/chain_memory.py --out chain_memory.json                 # mu0 run
    python benchmarks/chain_memory.py -- .venv/bin/dvc repro action_expert_ur3
    python benchmarks/chain_memory.py --limit 4096 -- make demo               # exit status 1 above 4096 MiB

PSS counts a page that n processes share as 1/n in each, so the sum counts every page once: private memory,
libraries, and mapped files as far as they are in memory (the system may drop those at any time). Peaks are
told per stage, by the command line `python -m assets_defs.<room>.stage` of a running process. What lives for
less than the interval between two looks may be missed. Linux only.

The command ends with this program, however that one ended: it runs in a group of its own, led by a small
process that watches us and is not counted.
"""

import argparse
import json
import os
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from mu0.processes.interruption import Interrupted, interruptible  # noqa: E402
from orchestration.running.group import ProcessGroup  # noqa: E402

STAGE = re.compile(r"-m assets_defs\.(?:(?P<room>\w+)\.stage(?P<rest>.*)|checks (?P<check>\w+))")
KIB_PER_MIB = 1024
LEADER = f"""
import os, signal, subprocess, sys
sys.path.insert(0, {str(ROOT)!r})
from mu0.processes.ancestors import end_with_ancestors
signal.signal(signal.SIGTERM, lambda *_: None)  # stays to kill who does not obey
end_with_ancestors(os.environ, with_group=True)
sys.exit(subprocess.call(sys.argv[1:]))
"""


@dataclass
class Peak:
    """The largest sum of one stage, and what it was made of."""

    mib: float = 0.0
    at_s: float = 0.0
    first_s: float = 0.0
    last_s: float = 0.0
    processes: list[dict[str, object]] = field(default_factory=list)


def parents() -> dict[int, int]:
    """The parent of every process."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
            continue
        found[int(path.parent.name)] = int(after_name[1])
    return found


def descendants(root: int, known: set[int]) -> set[int]:
    """`root` and all processes below it; one whose parent has ended stays known."""
    parent_of = parents()
    tree = {root} | {pid for pid in known if pid in parent_of}
    grown = True
    while grown:
        below = {pid for pid, parent in parent_of.items() if parent in tree}
        grown = not below <= tree
        tree |= below
    return tree & set(parent_of)


def pss_mib(pid: int) -> float:
    """PSS of a process; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0.0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0) / KIB_PER_MIB


def command_line(pid: int) -> str:
    """Of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def stage_of(command_lines: list[str]) -> str:
    """The stage that is running, or what runs between stages."""
    for line in command_lines:
        if match := STAGE.search(line):
            return match["room"] or f"check_{match['check']}"
    return "between stages"


def watch(command: list[str], interval_s: float) -> tuple[int, dict[str, Peak]]:
    """Run a command; its exit status, and the peak of every stage."""
    group = ProcessGroup([sys.executable, "-c", LEADER, *command], os.environ)
    try:
        return _watched(group, interval_s)
    finally:
        group.end()


def _watched(group: ProcessGroup, interval_s: float) -> tuple[int, dict[str, Peak]]:
    process = group.process
    started, known, peaks = time.monotonic(), set[int](), dict[str, Peak]()
    while process.poll() is None:
        now = time.monotonic() - started
        known = descendants(process.pid, known)
        each = [(pss_mib(pid), command_line(pid)) for pid in known - {process.pid}]
        stage = stage_of([line for _, line in each])
        peak = peaks.setdefault(stage, Peak(first_s=now))
        peak.last_s, total = now, sum(mib for mib, _ in each)
        if total > peak.mib:
            peak.mib, peak.at_s = total, now
            peak.processes = [
                {"mib": round(mib), "command": line[:120]} for mib, line in sorted(each, reverse=True) if mib
            ]
        time.sleep(interval_s)
    return process.returncode, peaks


def main() -> int:
    """Run, print the table, write the JSON file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--interval", type=float, default=0.5, help="seconds between two looks")
    parser.add_argument("--limit", type=float, help="MiB that must not be exceeded")
    parser.add_argument("command", nargs="*", default=[".venv/bin/mu0", "run"])
    options = parser.parse_args()
    try:
        with interruptible():
            status, peaks = watch(options.command, options.interval)
    except Interrupted as stop:
        return stop.exit_code
    result = {
        "command": options.command,
        "status": status,
        "peak_mib": round(max((peak.mib for peak in peaks.values()), default=0.0)),
        "stages": {
            name: {
                "peak_mib": round(peak.mib),
                "at_s": round(peak.at_s, 1),
                "from_s": round(peak.first_s, 1),
                "to_s": round(peak.last_s, 1),
                "processes": peak.processes,
            }
            for name, peak in peaks.items()
        },
    }
    for name, peak in peaks.items():
        parts = " + ".join(str(each["mib"]) for each in peak.processes)
        print(f"{name:24} {peak.mib:7.0f} MiB at {peak.at_s:6.0f} s = {parts}", file=sys.stderr)
    print(f"{'all':24} {result['peak_mib']:7.0f} MiB", file=sys.stderr)
    if options.out:
        options.out.write_text(json.dumps(result, indent=2) + "\n")
    is_above = options.limit is not None and result["peak_mib"] > options.limit
    return status or int(is_above)


if __name__ == "__main__":
    sys.exit(main())
