"""Bringing two descriptions of one camera path together: means of poses, similarities, outliers thrown out.

A network that looks at a part of a video answers in a frame, and often a scale, of its own. Where the same
frames were also seen in a common frame (anchors), the pairs of poses tell how to bring the part home. Some of
the pairs are wrong, in place or in direction, so that both are looked at: a pose with the right place and the
wrong direction is an outlier too.

Conventions
    pose        `world_from_camera`, 4 x 4; its last column is the camera's centre
    Similarity  p_a = scale * rotation @ p_b + translation; depth is multiplied by `scale`

Entry points
    mean_motion      several rigid motions -> their mean
    fit_similarity   pairs of points       -> similarity
    align_poses      pairs of poses        -> similarity, inliers, residuals

Sources
    Mean rotation: Markley, Cheng, Crassidis, Oshman, 2007 (as in scipy's Rotation.mean). Similarity: Umeyama,
    1991. First guess: least median of squares over minimal samples (Rousseeuw, 1984).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.transform import Rotation

from mu0.geometry.rigid import from_parts

MAX_RESIDUALS = 120_000  # guesses times pairs
MIN_GUESSES = 50
REFITS = 5
LIMIT_SIGMAS = 3.0
TO_SIGMA = 1.4826  # median of |normal| -> its standard deviation
EXACT_SHARE = 1e-9  # residuals below this share of the path's extent are rounding
EXACT_RAD = 1e-7
SAME_PLACE_SHARE = 1e-6  # of the distance to the origin: cameras closer than this did not move


@dataclass(frozen=True)
class Similarity:
    """A change of frame and scale, a from b."""

    scale: float
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, " 3"]

    def points(self, points_b: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Points of frame b in frame a."""
        return self.scale * points_b @ self.rotation.T + self.translation

    def poses(self, b_from_camera: Float[np.ndarray, "n 4 4"]) -> Float[np.ndarray, "n 4 4"]:
        """Cameras of frame b in frame a; they stay rigid, only their centres are scaled."""
        return from_parts(self.rotation @ b_from_camera[:, :3, :3], self.points(b_from_camera[:, :3, 3]))


@dataclass(frozen=True)
class PoseAlignment:
    """How source poses fit target poses.

    Attributes:
        target_from_source: The similarity.
        is_inlier: Pairs that it was fitted to.
        distance: Between the camera centres of each pair, in units of the target.
        angle_rad: Between the directions of each pair.
        is_scale_seen: False if the cameras did not move enough to tell the scale; it is 1 then.
    """

    target_from_source: Similarity
    is_inlier: Bool[np.ndarray, " n"]
    distance: Float[np.ndarray, " n"]
    angle_rad: Float[np.ndarray, " n"]
    is_scale_seen: bool


def mean_motion(
    a_from_b: Float[np.ndarray, "n 4 4"], weights: Float[np.ndarray, " n"] | None = None
) -> Float[np.ndarray, "4 4"]:
    """Mean of rigid motions: quaternion mean of the rotations, arithmetic mean of the translations."""
    rotation = Rotation.from_matrix(a_from_b[:, :3, :3]).mean(weights).as_matrix()
    return from_parts(rotation, np.average(a_from_b[:, :3, 3], axis=0, weights=weights))


def fit_similarity(
    source: Float[np.ndarray, "n 3"],
    target: Float[np.ndarray, "n 3"],
    weights: Float[np.ndarray, " n"] | None = None,
) -> Similarity:
    """The similarity that takes `source` to `target` with the least weighted squared error.

    Args:
        source: Points in frame b.
        target: The same points in frame a.
        weights: One non-negative weight per point; equal if None.

    Returns:
        `a_from_b`. Points all in one place leave the scale free; it is 1 then.

    Source:
        Umeyama, 1991.
    """
    weight = np.ones(len(source)) if weights is None else weights
    weight = weight / weight.sum()
    source_mean, target_mean = weight @ source, weight @ target
    inner, outer = source - source_mean, target - target_mean
    left, spread, right = np.linalg.svd(outer.T @ (weight[:, None] * inner))
    sign = np.array([1, 1, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    rotation = (left * sign) @ right
    variance = float(weight @ (inner**2).sum(1))
    scale = float(spread @ sign) / variance if variance > 0 else 1.0
    return Similarity(scale, rotation, target_mean - scale * rotation @ source_mean)


def turn_angle_rad(rotation: Float[np.ndarray, "*n 3 3"]) -> Float[np.ndarray, "*n"]:
    """Angle of each rotation, exact for tiny angles too (an arc cosine of the trace is not)."""
    chord = np.linalg.norm(rotation - np.eye(3), axis=(-2, -1)) / np.sqrt(8)
    return 2 * np.arcsin(np.clip(chord, 0, 1))


def align_poses(
    source: Float[np.ndarray, "n 4 4"],
    target: Float[np.ndarray, "n 4 4"],
    *,
    scale_ratio: Float[np.ndarray, " n"] | None = None,
    free_scale: bool = False,
) -> PoseAlignment:
    """Bring source poses to target poses in spite of wrong pairs.

    Every pair (two, where the camera centres must tell the scale) gives a guess; the one with the least
    median residual is refitted to the pairs whose distance AND angle stay below three robust deviations.
    Fewer than half of the pairs may be wrong (with a free scale: less than 0.29, for every guess needs two
    right ones; all guesses are tried up to 60 pairs).

    Args:
        source: `world_from_camera` in the part's own frame.
        target: The same cameras in the common frame.
        scale_ratio: Depth of the target over depth of the source, one per pair: the scale, known even if the
            camera stands still.
        free_scale: Without `scale_ratio`: True lets the camera centres tell the scale, False makes it 1.
    """
    scales, seen = _scale_guesses(source, target, scale_ratio, free_scale=free_scale)
    is_inlier = np.ones(len(source), bool)
    if len(source) >= 3:
        is_inlier = _first_inliers(source, target, scales)
    for _ in range(REFITS):
        fitted = _fit(source, target, is_inlier, _scale(source, target, is_inlier, scale_ratio, seen=seen))
        distance, angle = _residuals(fitted, source, target)
        again = _within(distance, angle, target) if len(source) >= 3 else is_inlier
        if again.sum() < 2 or (again == is_inlier).all():
            break
        is_inlier = again
    known = scale_ratio is not None or seen
    return PoseAlignment(fitted, is_inlier, distance, angle, bool(known))


def _scale_guesses(
    source: Float[np.ndarray, "n 4 4"],
    target: Float[np.ndarray, "n 4 4"],
    scale_ratio: Float[np.ndarray, " n"] | None,
    *,
    free_scale: bool,
) -> tuple[list[tuple[int, int, float]], bool]:
    """Minimal samples (pair, other pair, scale), and whether camera centres tell the scale."""
    if scale_ratio is not None or not free_scale:
        scale = 1.0 if scale_ratio is None else float(np.exp(np.median(np.log(scale_ratio))))
        return [(i, i, scale) for i in range(len(source))], False
    first, second = _pairs(len(source))
    inner = np.linalg.norm(source[first, :3, 3] - source[second, :3, 3], axis=1)
    outer = np.linalg.norm(target[first, :3, 3] - target[second, :3, 3], axis=1)
    far = inner > SAME_PLACE_SHARE * max(float(np.abs(source[:, :3, 3]).max()), 1e-12)
    if not far.any():
        return [(i, i, 1.0) for i in range(len(source))], False
    ratio = outer[far] / inner[far]
    return list(zip(first[far].tolist(), second[far].tolist(), ratio.tolist(), strict=True)), True


def _pairs(n: int) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"]]:
    """All pairs, or so many of them that guessing stays cheap."""
    first, second = np.triu_indices(n, 1)
    most = max(MIN_GUESSES, MAX_RESIDUALS // n)
    if len(first) <= most:
        return first, second
    chosen = np.sort(np.random.default_rng(0).choice(len(first), most, replace=False))
    return first[chosen], second[chosen]


def _first_inliers(
    source: Float[np.ndarray, "n 4 4"],
    target: Float[np.ndarray, "n 4 4"],
    guesses: list[tuple[int, int, float]],
) -> Bool[np.ndarray, " n"]:
    """Inliers of the guess whose median residual is the least."""
    turns = target[:, :3, :3] @ np.swapaxes(source[:, :3, :3], 1, 2)
    found = []
    for first, second, scale in guesses:
        both = np.array([first, second])
        turn = turns[first]
        shift = (target[both, :3, 3] - scale * source[both, :3, 3] @ turn.T).mean(0)
        found.append(_residuals(Similarity(scale, turn, shift), source, target))
    distance, angle = (np.stack(kind) for kind in zip(*found, strict=True))
    unit = np.median(distance) + EXACT_SHARE * _extent(target)
    unit_rad = np.median(angle) + EXACT_RAD
    rank = len(source) // 2  # the middle one: more than half of the pairs are at least this near
    best = np.partition(distance / unit + angle / unit_rad, rank, axis=1)[:, rank].argmin()
    return _within(distance[best], angle[best], target)


def _within(
    distance: Float[np.ndarray, " n"], angle: Float[np.ndarray, " n"], target: Float[np.ndarray, "n 4 4"]
) -> Bool[np.ndarray, " n"]:
    """Pairs whose place and direction both fit."""
    widen = LIMIT_SIGMAS * TO_SIGMA * (1 + 5 / max(len(distance) - 1, 1))  # small samples look too sharp
    near = distance <= widen * np.median(distance) + EXACT_SHARE * _extent(target)
    return near & (angle <= widen * np.median(angle) + EXACT_RAD)


def _extent(target: Float[np.ndarray, "n 4 4"]) -> float:
    """A length that rounding errors of the centres are measured by."""
    return max(float(np.abs(target[:, :3, 3]).max()), 1.0)


def _residuals(
    target_from_source: Similarity, source: Float[np.ndarray, "n 4 4"], target: Float[np.ndarray, "n 4 4"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    moved = target_from_source.poses(source)
    apart = np.swapaxes(moved[:, :3, :3], 1, 2) @ target[:, :3, :3]
    return np.linalg.norm(moved[:, :3, 3] - target[:, :3, 3], axis=1), turn_angle_rad(apart)


def _scale(
    source: Float[np.ndarray, "n 4 4"],
    target: Float[np.ndarray, "n 4 4"],
    is_inlier: Bool[np.ndarray, " n"],
    scale_ratio: Float[np.ndarray, " n"] | None,
    *,
    seen: bool,
) -> float:
    """The scale on the inliers: from depth, from camera centres, or 1."""
    if scale_ratio is not None:
        return float(np.exp(np.median(np.log(scale_ratio[is_inlier]))))
    if not seen:
        return 1.0
    centre, goal = source[is_inlier, :3, 3], target[is_inlier, :3, 3]
    rotation = _mean_turn(source, target, is_inlier)
    inner, outer = (centre - centre.mean(0)) @ rotation.T, goal - goal.mean(0)
    spread = float((inner**2).sum())
    scale = float((inner * outer).sum()) / spread if spread > 0 else 1.0
    return scale if scale > 0 else 1.0


def _mean_turn(
    source: Float[np.ndarray, "n 4 4"], target: Float[np.ndarray, "n 4 4"], use: Bool[np.ndarray, " n"]
) -> Float[np.ndarray, "3 3"]:
    turns = target[use, :3, :3] @ np.swapaxes(source[use, :3, :3], 1, 2)
    return Rotation.from_matrix(turns).mean().as_matrix()


def _fit(
    source: Float[np.ndarray, "n 4 4"],
    target: Float[np.ndarray, "n 4 4"],
    use: Bool[np.ndarray, " n"],
    scale: float,
) -> Similarity:
    rotation = _mean_turn(source, target, use)
    shift = target[use, :3, 3] - scale * source[use, :3, 3] @ rotation.T
    return Similarity(scale, rotation, shift.mean(0))
