"""The landmarker's process: frames in, landmarks out, both ways; it ends with us; the real one sees hands."""

import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from mu0.errors import ExtractionError
from mu0.params.learned import LearnedParams
from mu0.sources.containers.video import iter_frames
from mu0.traceextract.backends import hands_python
from mu0.traceextract.backends.interfaces import Footage
from mu0.traceextract.hands.identity import identify
from mu0.traceextract.hands.mediapipe_hands import MediapipeHands

ROOT = Path(__file__).parents[4]
CUPS = ROOT.parent / "shared" / "data" / "sam2_gallery_hands" / "02_cups.mp4"
ECHO = """
import json, sys
def told(what):
    print(json.dumps(what), flush=True)
told({})
n_restarts = 0
while head := sys.stdin.buffer.readline():
    asked = json.loads(head)
    height, width, _ = asked["shape"]
    frame = sys.stdin.buffer.read(height * width * 3)
    n_restarts += asked["restart"]
    if frame[0] == 99:
        sys.exit(1)
    told([{"landmarks": [[frame[0], n_restarts, 0]] * 21, "handedness": "left", "score": 0.5}])
"""


def _footage(*values: int) -> Footage:
    frames = np.stack([np.full((4, 6, 3), value, np.uint8) for value in values])
    return Footage(frames, None, None, None, np.arange(len(frames)), 10.0)


@pytest.fixture
def landmarker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MediapipeHands:
    monkeypatch.setattr(hands_python, "installed_version", lambda _: "1")
    worker = tmp_path / "worker.py"
    worker.write_text(ECHO)
    return MediapipeHands("mediapipe", LearnedParams(hands_python=sys.executable), worker)


def test_every_frame_is_looked_at_forwards_and_backwards(landmarker: MediapipeHands) -> None:
    found = landmarker.find(_footage(7, 8, 9))
    assert [[hand.landmarks[0, :2].tolist() for hand in frame] for frame in found] == [
        [[value, 1], [value, 2]] for value in (7, 8, 9)
    ]
    assert found[0][0].handedness == "left"
    assert found[0][0].score == 0.5


def test_the_process_ends_with_the_clip_and_with_an_error(landmarker: MediapipeHands) -> None:
    before = psutil.Process().children()
    landmarker.find(_footage(7, 8))
    with pytest.raises(ExtractionError, match="looks for hands has ended"):
        landmarker.find(_footage(7, 99, 8))
    assert psutil.Process().children() == before


def test_a_missing_environment_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match=r"install_hands\.sh"):
        MediapipeHands("mediapipe", LearnedParams(hands_python=str(tmp_path / "python")))


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.skipif(not CUPS.exists(), reason="../shared/data is absent")
@pytest.mark.skipif(
    not (ROOT / hands_python.FOLDER).exists(), reason="no .venv-hands (scripts/install_hands.sh)"
)
def test_the_real_landmarker_sees_both_hands_that_move_cups() -> None:
    frames = np.stack([frame for number, frame in enumerate(iter_frames(CUPS)) if number % 3 == 0][60:80])
    python = str(ROOT / hands_python.FOLDER / "bin" / "python")
    landmarker = MediapipeHands("mediapipe", LearnedParams(hands_python=python))
    hands = identify(landmarker.find(Footage(frames, None, None, None, np.arange(len(frames)), 10.0)), 10.0)
    assert len(hands) == 2  # which is left and which is right takes the whole film to settle
    assert hands.is_seen.mean() > 0.4
