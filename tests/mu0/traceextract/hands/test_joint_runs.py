"""Joints of a run in a window are those of the run in the whole clip."""

import numpy as np

from mu0.traceextract.hands.identity import identify
from mu0.traceextract.hands.joint_tracks import BRIDGED_SHARE, _filled, runs_of
from tests.mu0.traceextract.hands.toy_hands import sighting

N_FRAMES = 20
MISSED = (9, 10)


def test_a_window_tells_of_a_run_what_the_clip_tells() -> None:
    seen = [
        [] if frame in MISSED else [sighting(50 + frame, 120, score=0.5 + 0.02 * frame)]
        for frame in range(N_FRAMES)
    ]
    hands = identify(seen, 10.0)
    depth = np.full((1, N_FRAMES, 21), 0.5, np.float32)
    whole = _filled(hands, depth, np.arange(N_FRAMES), runs_of(hands))
    np.testing.assert_allclose(whole[3][list(MISSED)], BRIDGED_SHARE * hands.score.max(), rtol=1e-6)
    for start, stop in ((0, 12), (8, 14), (10, N_FRAMES)):
        window = _filled(hands, depth, np.arange(start, stop), runs_of(hands))
        for here, everywhere in zip(window, whole, strict=True):
            np.testing.assert_array_equal(here, everywhere[start:stop])
