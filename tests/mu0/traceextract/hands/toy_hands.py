"""A hand of known shape that goes where it is told, and a landmarker that sees it."""

from dataclasses import dataclass, field

import numpy as np

from mu0.traceextract.backends.interfaces import AbstractHandLandmarker, Footage, HandSighting

WRIST = np.array([[0.0, 0.0]])
ROOTS = {1: (-20, -15), 5: (-20, -60), 9: (-5, -64), 13: (10, -60), 17: (24, -54)}
LENGTHS = {1: 16, 5: 15, 9: 17, 13: 15, 17: 12}


def joints(x: float, y: float, *, mirrored: bool = False) -> np.ndarray:
    """A stretched right hand, fingers up, its wrist at a pixel: (21, 3), 100 px from wrist to tip."""
    found = np.zeros((21, 3), np.float32)
    for root, (dx, dy) in ROOTS.items():
        side = -8 if root == 1 else 0
        for part in range(4):
            found[root + part, :2] = dx + side * part, dy - LENGTHS[root] * part
    if mirrored:
        found[:, 0] *= -1
    found[:, :2] += (x, y)
    return found


def sighting(
    x: float, y: float, handedness: str = "right", score: float = 0.9, **shape: bool
) -> HandSighting:
    assert handedness in {"left", "right"}
    return HandSighting(joints(x, y, **shape), "left" if handedness == "left" else "right", score)


@dataclass
class ToyLandmarker(AbstractHandLandmarker):
    """Tells what it was given, frame by frame."""

    sightings: list[list[HandSighting]] = field(default_factory=list)

    def find(self, footage: Footage) -> list[list[HandSighting]]:
        assert len(footage.frames) == len(self.sightings)
        return self.sightings
