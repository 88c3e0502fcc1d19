"""Rigid motions: inverse pairs, a fit that finds the planted motion, and no reflections."""

import numpy as np
from scipy.spatial.transform import Rotation

from mu0.geometry.rigid import (
    apply,
    fit_rigid,
    from_parts,
    invert,
    is_rigid,
    nearest_rigid,
    rotation_angle_rad,
)

RNG = np.random.default_rng(1)
ROTATIONS = Rotation.random(6, rng=RNG).as_matrix()
MOTIONS = from_parts(ROTATIONS, RNG.normal(size=(6, 3)))
POINTS = RNG.normal(size=(20, 3))


def test_invert_undoes_every_motion() -> None:
    np.testing.assert_allclose(invert(MOTIONS) @ MOTIONS, np.broadcast_to(np.eye(4), (6, 4, 4)), atol=1e-12)


def test_applying_a_product_is_applying_twice() -> None:
    twice = apply(MOTIONS[0], apply(MOTIONS[1], POINTS))
    np.testing.assert_allclose(apply(MOTIONS[0] @ MOTIONS[1], POINTS), twice, atol=1e-12)


def test_fit_finds_the_planted_motion() -> None:
    np.testing.assert_allclose(fit_rigid(POINTS, apply(MOTIONS[2], POINTS)), MOTIONS[2], atol=1e-12)


def test_fit_agrees_with_scipy_under_noise_and_weights() -> None:
    target = apply(MOTIONS[3], POINTS) + RNG.normal(scale=0.05, size=POINTS.shape)
    weights = RNG.uniform(0.1, 2, 20)
    fitted = fit_rigid(POINTS, target, weights)
    mean = weights / weights.sum()
    expected, _ = Rotation.align_vectors(target - mean @ target, POINTS - mean @ POINTS, weights=weights)
    np.testing.assert_allclose(fitted[:3, :3], expected.as_matrix(), atol=1e-9)


def test_points_of_no_weight_do_not_matter() -> None:
    target = apply(MOTIONS[4], POINTS)
    target[:5] += 100
    weights = np.r_[np.zeros(5), np.ones(15)]
    np.testing.assert_allclose(fit_rigid(POINTS, target, weights), MOTIONS[4], atol=1e-12)


def test_fit_of_mirrored_points_is_still_a_rotation() -> None:
    assert is_rigid(fit_rigid(POINTS, POINTS * [1, 1, -1]))


def test_angle_agrees_with_scipy() -> None:
    expected = Rotation.from_matrix(ROTATIONS).magnitude()
    np.testing.assert_allclose(rotation_angle_rad(ROTATIONS), expected, atol=1e-9)


def test_is_rigid_refuses_mirrors_scales_and_nan() -> None:
    assert is_rigid(MOTIONS)
    assert not is_rigid(MOTIONS @ np.diag([1.0, 1, -1, 1]))
    assert not is_rigid(np.diag([2.0, 2, 2, 1]))
    assert not is_rigid(np.full((4, 4), np.nan))


def test_a_motion_made_oblique_by_rounding_becomes_rigid_again() -> None:
    motion = from_parts(Rotation.from_euler("xyz", [0.4, -1.1, 2.0]).as_matrix(), np.array([1.0, -2, 3]))
    np.testing.assert_allclose(nearest_rigid(motion), motion, atol=1e-14)
    oblique = motion.copy()
    oblique[:3, :3] += 1e-4 * np.arange(9).reshape(3, 3)
    assert is_rigid(nearest_rigid(oblique), tolerance=1e-12)
    np.testing.assert_allclose(nearest_rigid(oblique), motion, atol=2e-3)


def test_a_thousand_links_of_inverses_and_products_stay_rigid() -> None:
    step = from_parts(Rotation.from_euler("xyz", [0.3, 0.2, -0.4]).as_matrix(), np.array([0.1, 0, 0]))
    pose = np.eye(4)
    for _ in range(1000):
        pose = nearest_rigid(pose)
        pose = pose @ invert(pose) @ pose @ step
    assert is_rigid(pose, tolerance=1e-12)
