"""How long each stage that is out of date will take on this machine, as a range.

The best source wins: what the stage took on this very machine before, scaled by its work; else a
probe of ten seconds; else a machine that is known, and then the forecast says so.
"""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from mu0.processes.ancestors import naming
from orchestration.progress.costs import KERNELS, REFERENCE, START, cost_of
from orchestration.progress.recorded import Took

PROBE_S = 10.0
LOAD_S = 60.0  # the first start in a new environment compiles its libraries
LONG_S = 300.0  # forecasts below this, on the known machine, are not worth a probe
SPREAD = {"earlier runs": (0.9, 1.15), "a probe": (0.8, 1.3), "another machine": (0.5, 2.0)}


@dataclass(frozen=True)
class Forecast:
    """Of one run.

    Attributes:
        seconds: Of each stage that will run, in order; the middle of the range.
        units: Of work in them.
        source: What it rests on: earlier runs, a probe, or another machine.
    """

    seconds: dict[str, float]
    units: dict[str, float]
    source: str

    @property
    def range_s(self) -> tuple[float, float]:
        """Of the whole run."""
        total_s, (low, high) = sum(self.seconds.values()), SPREAD[self.source]
        return low * total_s, high * total_s

    def __str__(self) -> str:
        where = {
            "earlier runs": "on this machine, by what it took before",
            "a probe": f"on this machine, by a probe of {PROBE_S:.0f} s",
            "another machine": "on two idle cores of an AMD EPYC; this machine was not measured",
        }
        return f"about {minutes(*self.range_s)} {where[self.source]}"


def minutes(low_s: float, high_s: float) -> str:
    """`18 to 25 minutes`, `less than a minute`."""
    low, high = round(low_s / 60), max(1, round(high_s / 60))
    if high_s < 60:
        return "a minute at most"
    if low == high:
        return f"{high} minute{'s' if high > 1 else ''}"
    return f"{low} to {high} minutes" if low else f"{high} minute{'s' if high > 1 else ''} at most"


def forecast(
    stages: Sequence[str], params: Any, known: Mapping[str, Took], kernels_s: Mapping[str, float]
) -> Forecast:
    """Put together what is known.

    Args:
        stages: Those that will run.
        params: The whole of params.yaml.
        known: What stages took on this machine.
        kernels_s: Seconds of a unit of each kind, as far as they were measured.
    """
    units = {name: cost_of(name, params).units for name in stages}
    full = complete(kernels_s)
    seconds = {}
    for name in stages:
        if name in known:
            fixed_s = min(full[START], known[name].seconds)
            more = units[name] / known[name].units if known[name].units else 1.0
            seconds[name] = fixed_s + (known[name].seconds - fixed_s) * more
        else:
            seconds[name] = cost_of(name, params).seconds(full)
    source = "earlier runs" if all(name in known for name in stages) else "a probe"
    if source == "a probe" and not kernels_s:
        source = "another machine"
    return Forecast(seconds, units, source)


def complete(kernels_s: Mapping[str, float]) -> dict[str, float]:
    """Kinds that were not measured are assumed as slow, beside the reference, as the median of the others."""
    ratios = [kernels_s[name] / REFERENCE[name] for name in KERNELS if name in kernels_s]
    ratio = statistics.median(ratios) if ratios else 1.0
    return {name: kernels_s.get(name, ratio * REFERENCE[name]) for name in KERNELS}


def probe(
    environment: Mapping[str, str], limit_s: float = PROBE_S, load_s: float = LOAD_S
) -> dict[str, float]:
    """Seconds of the units that could be measured in time; a machine that is very busy measures none.

    Args:
        environment: Of the probe.
        limit_s: For measuring, from the moment in which its libraries are loaded.
        load_s: For loading them.
    """
    command = [sys.executable, "-m", "orchestration.progress.probe"]
    lines: SimpleQueue[str] = SimpleQueue()
    kernels_s: dict[str, float] = {}
    with subprocess.Popen(
        command,
        env=naming(environment, os.getpid()),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        threading.Thread(target=_pass_on, args=(process, lines), daemon=True).start()
        try:
            until_s = time.monotonic() + load_s
            while line := lines.get(timeout=max(0.0, until_s - time.monotonic())):
                if not (found := json.loads(line)):  # loaded: from now on it measures
                    until_s = time.monotonic() + limit_s
                kernels_s |= found
        except Empty:
            pass
        finally:
            process.kill()
    return kernels_s


def _pass_on(process: "subprocess.Popen[str]", lines: "SimpleQueue[str]") -> None:
    """Whole lines as they come, and nothing at the end."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.endswith("\n"):
            lines.put(line)
    lines.put("")
