"""How good are extracted tracks? TAPVid-3D scores and errors in millimetres, against exact truth.

Truth is given as body-fixed points, which are not the points that the extractor chose. But points of one
rigid body keep their distances, so the bodies can be read off the truth itself, and a keypoint can be
carried along exactly with the body on whose surface it was chosen.

    bodies_of_truth      which true points belong to one rigid body
    carry_with_bodies    where keypoints truly go, from where they were chosen
    tapvid3d             APD, AJ, OA

Conventions
    camera space, metres; no rescaling of any kind (metric RGB-D); the frame of choice is left out

Sources
    TAPVid-3D, google-deepmind/tapnet, tapvid3d/evaluation/metrics.py:
    thresholds are 1, 2, 4, 8, 16 px times z / focal.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.geometry.rigid import apply, fit_rigid

THRESHOLDS_PX = (1.0, 2.0, 4.0, 8.0, 16.0)
SAME_BODY_M = 5e-4
N_REFERENCES = 3
NOBODY = -1


@dataclass(frozen=True)
class TrackScores:
    """TAPVid-3D scores, 0 to 1; NaN where nothing was to be scored."""

    average_points_within_distance: float
    average_jaccard: float
    occlusion_accuracy: float


def tapvid3d(
    predicted: Float[np.ndarray, "t n 3"],
    predicted_visible: Bool[np.ndarray, "t n"],
    truth: Float[np.ndarray, "t n 3"],
    truth_visible: Bool[np.ndarray, "t n"],
    use: Bool[np.ndarray, "t n"],
    focal_px: float,
) -> TrackScores:
    """Score tracks in camera space.

    Args:
        predicted: Positions [m]; may be NaN where not predicted visible.
        predicted_visible: Where the extractor claims to see the point.
        truth: True positions [m].
        truth_visible: Where it is truly seen.
        use: Frames and points that count (all but the frames of choice).
        focal_px: Geometric mean of the two focal lengths.
    """
    n_visible = int((truth_visible & use).sum())
    if n_visible == 0:
        nan = float("nan")
        return TrackScores(nan, nan, nan)
    squared = ((predicted - truth) ** 2).sum(-1)
    within_rates, jaccards = [], []
    for threshold_px in THRESHOLDS_PX:
        with np.errstate(invalid="ignore"):
            within = squared < (threshold_px * truth[..., 2] / focal_px) ** 2
        hits = within & truth_visible & use
        true_positive = int((hits & predicted_visible).sum())
        false_positive = int((predicted_visible & use & ~(truth_visible & within)).sum())
        within_rates.append(int(hits.sum()) / n_visible)
        jaccards.append(true_positive / (n_visible + false_positive))
    occlusion = (predicted_visible == truth_visible)[use].mean()
    return TrackScores(float(np.mean(within_rates)), float(np.mean(jaccards)), float(occlusion))


def distance_errors(
    predicted: Float[np.ndarray, "t n 3"], truth: Float[np.ndarray, "t n 3"], use: Bool[np.ndarray, "t n"]
) -> dict[str, float]:
    """Median and 90th percentile of the distance to the truth [m]; NaN where nothing counts."""
    error = np.linalg.norm(predicted - truth, axis=-1)[use]
    if len(error) == 0:
        return {"median_error_m": float("nan"), "p90_error_m": float("nan")}
    return {"median_error_m": float(np.median(error)), "p90_error_m": float(np.percentile(error, 90))}


def far_share(
    predicted: Float[np.ndarray, "t n 3"],
    truth: Float[np.ndarray, "t n 3"],
    use: Bool[np.ndarray, "t n"],
    limit_m: float,
) -> float:
    """Share of the places that are farther than `limit_m` from the truth; NaN where nothing counts."""
    error_m = np.linalg.norm(predicted - truth, axis=-1)[use]
    return float((error_m > limit_m).mean()) if len(error_m) else float("nan")


def bodies_of_truth(points_world: Float[np.ndarray, "t n 3"]) -> Int[np.ndarray, " n"]:
    """The rigid body of every true point, by constant distances; bodies that move alike count as one.

    Points whose body has fewer than three points cannot be carried and belong to no body (-1).
    """
    frames = np.unique(np.linspace(0, len(points_world) - 1, 40).round().astype(int))
    points = points_world[frames].astype(np.float64)
    body = np.full(points.shape[1], NOBODY)
    is_left = np.ones(points.shape[1], bool)
    number = 0
    while is_left.any():
        members = is_left.copy()
        reference = int(np.flatnonzero(is_left)[0])
        for _ in range(N_REFERENCES):
            distance = np.linalg.norm(points - points[:, reference, None], axis=-1)
            members &= np.ptp(distance, axis=0) < SAME_BODY_M
            farthest = np.where(members, distance[0], -1)
            reference = int(farthest.argmax())
        is_left &= ~members
        if members.sum() >= N_REFERENCES:
            body[members] = number
            number += 1
        elif not members.any():
            is_left[np.flatnonzero(is_left)[0]] = False
    return body


def carry_with_bodies(
    chosen_world: Float[np.ndarray, "n 3"],
    chosen_frame: Int[np.ndarray, " n"],
    truth_world: Float[np.ndarray, "t m 3"],
    truth_visible: Bool[np.ndarray, "t m"],
    limit_m: float,
) -> tuple[Float[np.ndarray, "t n 3"], Int[np.ndarray, " n"]]:
    """Carry points with the body of the nearest visible true point.

    Args:
        chosen_world: Where each point was chosen [m].
        chosen_frame: When.
        truth_world: True points [m].
        truth_visible: Where they are seen.
        limit_m: A point farther than this from every visible true point gets no truth.

    Returns:
        True positions [m], NaN without truth; and the body of each point, -1 without.
    """
    body_of = bodies_of_truth(truth_world)
    carried = np.full((len(truth_world), len(chosen_world), 3), np.nan)
    body = np.full(len(chosen_world), NOBODY)
    for frame in np.unique(chosen_frame):
        points = np.flatnonzero(chosen_frame == frame)
        seen = np.flatnonzero(truth_visible[frame] & (body_of != NOBODY))
        if len(seen) == 0:
            continue
        distance = np.linalg.norm(chosen_world[points, None] - truth_world[frame, seen], axis=-1)
        is_near = distance.min(1) < limit_m
        body[points[is_near]] = body_of[seen[distance.argmin(1)]][is_near]
    for number in np.unique(body[body != NOBODY]):
        members = truth_world[:, body_of == number].astype(np.float64)
        riders = np.flatnonzero(body == number)
        start = _motions(members, members[0])
        in_body = np.stack(
            [apply(np.linalg.inv(start[chosen_frame[rider]]), chosen_world[rider]) for rider in riders]
        )
        carried[:, riders] = np.stack([apply(motion, in_body) for motion in start])
    return carried, body


def _motions(points: Float[np.ndarray, "t n 3"], rest: Float[np.ndarray, "n 3"]) -> list[np.ndarray]:
    return [fit_rigid(rest, moved) for moved in points]


def visible_by_depth(
    points_camera: Float[np.ndarray, "t n 3"],
    depth_m: Float[np.ndarray, "t h w"],
    intrinsics: Float[np.ndarray, "3 3"],
    tolerance_m: float = 0.012,
) -> Bool[np.ndarray, "t n"]:
    """Where true points are seen: inside the image, and measured depth is their own."""
    z = points_camera[..., 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        pixel = points_camera[..., :2] / np.where(z > 0, z, np.nan)[..., None]
        pixel = np.rint(pixel * intrinsics[[0, 1], [0, 1]] + intrinsics[:2, 2])
        height, width = depth_m.shape[1:]
        inside = (pixel >= 0).all(-1) & (pixel[..., 0] < width) & (pixel[..., 1] < height)
    column, row = np.where(inside[..., None], pixel, 0).astype(int).transpose(2, 0, 1)
    measured = depth_m[np.arange(len(depth_m))[:, None], row, column].astype(np.float64)
    return inside & (np.abs(measured - np.nan_to_num(z)) < tolerance_m)
