"""The landmarker's process ends with the process that started it, whatever it is doing."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.marked_processes import survivors
from mu0.traceextract.hands.mediapipe_hands import WORKER

Start = Callable[..., subprocess.Popen[str]]
LIMIT_S = 60.0  # a safety net
WITHIN_S = 5.0
STAND_IN = """
import ctypes, importlib.metadata, importlib.util, signal, sys, time, types
from pathlib import Path

def wait():
    (Path({folder!r}) / "begun").touch()
    {wait}

class Hands:
    def __init__(self, **_): pass
    def close(self): pass
    def process(self, frame): wait()

name = "mediapipe.python.solutions.hands"
for end in (9, 16, 26, None):
    sys.modules[name[:end]] = types.ModuleType(name[:end])
sys.modules[name].Hands = Hands
importlib.metadata.version = lambda _: "stand-in"
spec = importlib.util.spec_from_file_location("worker", {worker!r})
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
worker.main()
"""
PARENT = """
import sys
from pathlib import Path
import numpy as np
from mu0.params.learned import LearnedParams
from mu0.traceextract.backends import hands_python
from mu0.traceextract.backends.interfaces import Footage
from mu0.traceextract.hands.mediapipe_hands import MediapipeHands

hands_python.installed_version = lambda _: "1"
landmarker = MediapipeHands("mediapipe", LearnedParams(hands_python=sys.executable), Path(sys.argv[1]))
frames = np.zeros((2, 4, 6, 3), np.uint8)
landmarker.find(Footage(frames, None, None, None, np.arange(2), 10.0))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "wait",
    [
        "time.sleep(600)",
        "ctypes.PyDLL(None).sleep(600)",  # keeps the interpreter, as loading a large library does
        "signal.raise_signal(signal.SIGSTOP)",  # runs no thread that could watch
    ],
)
def test_it_ends_with_a_killed_parent(wait: str, start: Start, mark: str, tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(STAND_IN.format(folder=str(tmp_path), wait=wait, worker=str(WORKER)))
    parent = start(PARENT, str(worker))
    limit_s = time.monotonic() + LIMIT_S
    while not (tmp_path / "begun").exists():
        assert parent.poll() is None, parent.communicate()[0]
        assert time.monotonic() < limit_s, "the worker did not begin"
        time.sleep(0.01)
    parent.send_signal(signal.SIGKILL)
    assert survivors(mark, WITHIN_S) == []
