"""The memory benchmark measures a command, and the command ends with it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.marked_processes import survivors

Start = Callable[..., subprocess.Popen[str]]
SCRIPT = Path(__file__).parents[2] / "benchmarks/chain_memory.py"
LIMIT_S = 60.0  # a safety net
BENCHMARK = f"""
import runpy, sys
sys.argv = [{str(SCRIPT)!r}, *sys.argv[1:]]
runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
"""
FOR_EVER = """
import signal, subprocess, sys, time
from pathlib import Path
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Path("ready").touch()
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "kind"),
    [(signal.SIGKILL, ""), (signal.SIGKILL, "deaf"), (signal.SIGTERM, ""), (signal.SIGINT, "")],
)
def test_a_killed_benchmark_leaves_nothing_running(
    number: signal.Signals, kind: str, start: Start, mark: str, tmp_path: Path
) -> None:
    benchmark = start(BENCHMARK, "--", sys.executable, "-c", FOR_EVER, kind)
    limit_s = time.monotonic() + LIMIT_S
    while not (tmp_path / "ready").exists():
        assert benchmark.poll() is None, benchmark.communicate()[0]
        assert time.monotonic() < limit_s, "the command did not start"
        time.sleep(0.01)
    benchmark.send_signal(number)
    benchmark.wait(LIMIT_S)
    assert survivors(mark, 15.0) == []
    assert benchmark.returncode == (-number if number is signal.SIGKILL else 128 + number)


@pytest.mark.slow
def test_it_tells_the_commands_status_and_peak(start: Start, tmp_path: Path) -> None:
    command = "import time; held = bytearray(200 * 2**20); time.sleep(2); raise SystemExit(3)"
    benchmark = start(
        BENCHMARK, "--out", "peak.json", "--interval", "0.1", "--", sys.executable, "-c", command
    )
    said, _ = benchmark.communicate(timeout=LIMIT_S)
    assert benchmark.returncode == 3, said
    found = json.loads((tmp_path / "peak.json").read_text())
    assert found["status"] == 3
    assert 190 < found["peak_mib"] < 260
    assert len(found["stages"]["between stages"]["processes"]) == 1
