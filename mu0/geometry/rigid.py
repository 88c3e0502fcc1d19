"""Rigid motions SE(3) as 4x4 matrices: invert, apply, fit.

A transform is named `a_from_b`: it takes coordinates in frame b to coordinates in frame a, so composition
reads itself: `world_from_camera @ camera_from_gripper` (the `@` of numpy composes; there is no function).
"""

import numpy as np
from jaxtyping import Float


def invert(a_from_b: Float[np.ndarray, "*n 4 4"]) -> Float[np.ndarray, "*n 4 4"]:
    """`b_from_a`, through the transpose of the rotation (exact, unlike a general inverse)."""
    rotation = np.swapaxes(a_from_b[..., :3, :3], -1, -2)
    translation = -(rotation @ a_from_b[..., :3, 3:])
    return from_parts(rotation, translation[..., 0])


def nearest_rigid(a_from_b: Float[np.ndarray, "*n 4 4"]) -> Float[np.ndarray, "*n 4 4"]:
    """The same motion with an exact rotation.

    Long chains of products and `invert` need it: rounding makes a rotation a little oblique, and inverting by
    the transpose doubles that with every link.
    """
    left, _, right = np.linalg.svd(a_from_b[..., :3, :3])
    return from_parts(left @ right, a_from_b[..., :3, 3])


def apply(
    a_from_b: Float[np.ndarray, "4 4"], points_b: Float[np.ndarray, "*n 3"]
) -> Float[np.ndarray, "*n 3"]:
    """Points of frame b in frame a; the result has the type of the points."""
    transform = a_from_b.astype(points_b.dtype)
    return points_b @ transform[:3, :3].T + transform[:3, 3]


def from_parts(
    rotation: Float[np.ndarray, "*n 3 3"], translation: Float[np.ndarray, "*n 3"]
) -> Float[np.ndarray, "*n 4 4"]:
    """4x4 matrix from rotation and translation."""
    transform = np.zeros((*rotation.shape[:-2], 4, 4), dtype=rotation.dtype)
    transform[..., :3, :3] = rotation
    transform[..., :3, 3] = translation
    transform[..., 3, 3] = 1
    return transform


def fit_rigid(
    source: Float[np.ndarray, "*b n 3"],
    target: Float[np.ndarray, "*b n 3"],
    weights: Float[np.ndarray, "*b n"] | None = None,
) -> Float[np.ndarray, "*b 4 4"]:
    """The rigid motions that take `source` to `target` with the least weighted squared error.

    Args:
        source: Points in frame b [m], any batch of them at once.
        target: The same points in frame a [m].
        weights: One non-negative weight per point; equal if None.

    Returns:
        `a_from_b` in float64. Fewer than three points, or points on a line, leave a free rotation; the
        answer is then one of the best ones.

    Source:
        Kabsch, 1976; the sign that excludes reflections as in Umeyama, 1991.
    """
    source, target = source.astype(np.float64), target.astype(np.float64)
    weights = np.ones(source.shape[:-1]) if weights is None else weights
    share = weights / np.maximum(weights.sum(-1, keepdims=True), 1e-12)
    source_mean = (source * share[..., None]).sum(-2)
    target_mean = (target * share[..., None]).sum(-2)
    weighted = (source - source_mean[..., None, :]) * share[..., None]
    left, _, right = np.linalg.svd(np.swapaxes(weighted, -1, -2) @ (target - target_mean[..., None, :]))
    turn = left @ right
    is_mirror = np.linalg.det(turn) < 0
    if is_mirror.any():
        left[..., 2] *= np.where(is_mirror, -1.0, 1.0)[..., None]
        turn = left @ right
    rotation = np.swapaxes(turn, -1, -2)
    return from_parts(rotation, target_mean - (rotation @ source_mean[..., None])[..., 0])


def rotation_angle_rad(rotation: Float[np.ndarray, "*n 3 3"]) -> Float[np.ndarray, "*n"]:
    """Angle of each rotation, 0 to pi."""
    trace = np.trace(rotation, axis1=-2, axis2=-1)
    return np.arccos(np.clip((trace - 1) / 2, -1, 1))


def is_rigid(transform: Float[np.ndarray, "*n 4 4"], tolerance: float = 1e-3) -> bool:
    """True if every matrix is a rotation without reflection, a finite translation and the row 0 0 0 1."""
    rotation = transform[..., :3, :3].astype(np.float64)
    if not np.isfinite(transform).all():
        return False
    product = rotation @ np.swapaxes(rotation, -1, -2)
    return bool(
        np.abs(product - np.eye(3)).max() < tolerance
        and (np.linalg.det(rotation) > 0).all()
        and np.allclose(transform[..., 3, :], [0, 0, 0, 1], atol=tolerance)
    )
