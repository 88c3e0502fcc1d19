"""The laws that two pictures of a still scene obey, fitted to points: homography or epipolar geometry.

A homography has one place for a point to go to (the camera turned, or all is a plane); a fundamental matrix
has a line. GRIC decides between them: it charges each for its freedom.

Sources
    Hartley and Zisserman, Multiple View Geometry, 2nd ed., 11.4.3 (Sampson distance), 4.7 (RANSAC).
    GRIC: Torr, Zisserman, Maybank, "Robust detection of degenerate configurations", CVIU 71, 1998.
"""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float

NOISE_PX = 0.7  # of a tracked point, in a pair
INLIER_PX = 1.5
MIN_POINTS = 12
ITERATIONS, CERTAINTY = 1000, 0.999

# places here and there -> how far each point is off the law, in pixels
Law = Callable[[Float[np.ndarray, "k 2"], Float[np.ndarray, "k 2"]], Float[np.ndarray, " k"]]


def fit_law(here: Float[np.ndarray, "k 2"], there: Float[np.ndarray, "k 2"], scale: float) -> Law | None:
    """The law of a pair of pictures between which the camera moved; None if there are too few points."""
    if len(here) < MIN_POINTS:
        return None
    cv2.setRNGSeed(0)
    inlier_px = INLIER_PX * scale
    homography = _homography(here, there, inlier_px)
    fundamental, _ = cv2.findFundamentalMat(here, there, cv2.FM_RANSAC, inlier_px, CERTAINTY, ITERATIONS)
    laws: list[tuple[float, Law]] = []
    noise_px = NOISE_PX * scale
    if homography is not None and abs(np.linalg.det(homography)) > 1e-9:
        law = _homography_law(homography)
        laws.append((_gric(law(here, there) / noise_px, dimension=2, freedom=8), law))
    if fundamental is not None and fundamental.shape == (3, 3):
        law = _epipolar_law(fundamental)
        laws.append((_gric(law(here, there) / noise_px, dimension=3, freedom=7), law))
    return min(laws, key=lambda item: item[0])[1] if laws else None


def _homography(
    here: Float[np.ndarray, "k 2"], there: Float[np.ndarray, "k 2"], inlier_px: float
) -> Float[np.ndarray, "3 3"] | None:
    """The homography that most points obey (MAGSAC, ten times as fast as plain RANSAC here), or None."""
    try:
        found, _ = cv2.findHomography(
            here, there, cv2.USAC_MAGSAC, inlier_px, maxIters=ITERATIONS, confidence=CERTAINTY
        )
    except cv2.error:  # raised where every sample is degenerate
        return None
    return None if found is None else np.asarray(found, np.float64)


def distance_px(here: Float[np.ndarray, "k 2"], there: Float[np.ndarray, "k 2"]) -> Float[np.ndarray, " k"]:
    """How far each point went."""
    return np.linalg.norm(there - here, axis=1)


def _homography_law(matrix: Float[np.ndarray, "3 3"]) -> Law:
    """Distance from where the point should be, in both pictures together."""
    inverse = np.linalg.inv(matrix)

    def off_px(here: Float[np.ndarray, "k 2"], there: Float[np.ndarray, "k 2"]) -> Float[np.ndarray, " k"]:
        forth = cv2.perspectiveTransform(here[None], matrix)[0] - there
        back = cv2.perspectiveTransform(there[None], inverse)[0] - here
        return np.sqrt((forth**2).sum(1) + (back**2).sum(1))

    return off_px


def _epipolar_law(matrix: Float[np.ndarray, "3 3"]) -> Law:
    """Sampson distance."""

    def off_px(here: Float[np.ndarray, "k 2"], there: Float[np.ndarray, "k 2"]) -> Float[np.ndarray, " k"]:
        one = np.ones((len(here), 1))
        first, second = np.concatenate([here, one], 1), np.concatenate([there, one], 1)
        line_there, line_here = first @ matrix.T, second @ matrix
        slope = (line_there[:, :2] ** 2).sum(1) + (line_here[:, :2] ** 2).sum(1)
        return np.abs((second * line_there).sum(1)) / np.sqrt(np.maximum(slope, 1e-18))

    return off_px


def _gric(off: Float[np.ndarray, " k"], dimension: int, freedom: int) -> float:
    """Torr's criterion; `off` in units of the noise, of correspondences in four dimensions."""
    robust = np.minimum(off**2, 2.0 * (4 - dimension)).sum()
    return float(robust + dimension * len(off) * np.log(4) + freedom * np.log(4 * len(off)))
