"""Alignment of poses: exact without noise, blind to outliers, equivariant, bounded with noise."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mu0.geometry.alignment import align_poses, fit_similarity, mean_motion, turn_angle_rad
from mu0.geometry.rigid import fit_rigid, from_parts, invert


def _poses(n: int, seed: int, reach: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rotation = Rotation.random(n, random_state=seed).as_matrix()
    return from_parts(rotation, reach * rng.normal(size=(n, 3)))


def _gauged(poses: np.ndarray, scale: float, seed: int) -> np.ndarray:
    """The same cameras as a network with its own frame and scale sees them."""
    gauge = _poses(1, seed, 3.0)[0]
    moved = gauge @ poses
    moved[:, :3, 3] *= scale
    return moved


def test_mean_of_motions_is_scipys_and_commutes_with_a_rigid_motion() -> None:
    motions, mover = _poses(7, 0), _poses(1, 1)[0]
    mean = mean_motion(motions)
    np.testing.assert_allclose(mean[:3, 3], motions[:, :3, 3].mean(0), atol=1e-15)
    np.testing.assert_allclose(mean_motion(mover @ motions), mover @ mean, atol=1e-12)


def test_mean_ignores_the_sign_of_a_quaternion_and_obeys_weights() -> None:
    turn = Rotation.from_rotvec(np.radians([[0, 0, 170], [0, 0, -170]])).as_matrix()
    mean = mean_motion(from_parts(turn, np.zeros((2, 3))))
    np.testing.assert_allclose(mean[:3, :3], np.diag([-1.0, -1, 1]), atol=1e-9)
    only = mean_motion(from_parts(turn, np.zeros((2, 3))), np.array([1.0, 0.0]))
    np.testing.assert_allclose(only[:3, :3], turn[0], atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 0.3, 4.0])
def test_similarity_of_points_is_exact_and_never_a_reflection(scale: float) -> None:
    points, motion = np.random.default_rng(2).normal(size=(9, 3)), _poses(1, 3)[0]
    target = scale * points @ motion[:3, :3].T + motion[:3, 3]
    found = fit_similarity(points, target)
    assert found.scale == pytest.approx(scale, abs=1e-12)
    np.testing.assert_allclose(found.points(points), target, atol=1e-12)
    mirrored = fit_similarity(points, points * [1, 1, -1])
    assert np.linalg.det(mirrored.rotation) == pytest.approx(1)


def test_similarity_with_scale_one_is_the_rigid_fit() -> None:
    points, motion = np.random.default_rng(4).normal(size=(6, 3)), _poses(1, 5)[0]
    target = points @ motion[:3, :3].T + motion[:3, 3]
    found = fit_similarity(points, target)
    np.testing.assert_allclose(
        from_parts(found.rotation, found.translation), fit_rigid(points, target), atol=1e-12
    )


def test_points_in_one_place_leave_the_scale_at_one() -> None:
    assert fit_similarity(np.ones((4, 3)), np.zeros((4, 3))).scale == 1.0


def test_tiny_angles_are_exact() -> None:
    turn = Rotation.from_rotvec([[1e-12, 0, 0], [0, np.pi, 0]]).as_matrix()
    np.testing.assert_allclose(turn_angle_rad(turn), [1e-12, np.pi], rtol=1e-3)


@pytest.mark.parametrize("n_wrong", [0, 1, 3, 5])
@pytest.mark.parametrize("fault", ["place", "direction", "both"])
def test_rigid_alignment_is_exact_with_less_than_half_wrong(n_wrong: int, fault: str) -> None:
    target = _poses(12, 6)
    source = _gauged(target, 1.0, 7)
    source[:n_wrong] = _spoiled(source[:n_wrong], fault)
    found = align_poses(source, target)
    np.testing.assert_allclose(found.target_from_source.poses(source)[n_wrong:], target[n_wrong:], atol=1e-12)
    assert (found.is_inlier == (np.arange(12) >= n_wrong)).all()
    assert not found.is_scale_seen


def _spoiled(poses: np.ndarray, fault: str) -> np.ndarray:
    spoiled, n = poses.copy(), len(poses)
    if fault in {"place", "both"}:
        spoiled[:, :3, 3] += np.random.default_rng(8).normal(size=(n, 3))
    if fault in {"direction", "both"}:
        spoiled[:, :3, :3] = spoiled[:, :3, :3] @ Rotation.from_rotvec([0.3, 0, 0]).as_matrix()
    return spoiled


@pytest.mark.parametrize("n_wrong", [0, 2, 4])
def test_free_scale_is_found_from_the_centres(n_wrong: int) -> None:
    target = _poses(15, 9)
    source = _gauged(target, 0.37, 10)
    source[:n_wrong] = _spoiled(source[:n_wrong], "both")
    found = align_poses(source, target, free_scale=True)
    assert found.is_scale_seen
    assert found.target_from_source.scale == pytest.approx(1 / 0.37, rel=1e-12)
    assert found.is_inlier.sum() == 15 - n_wrong


def test_a_still_camera_takes_its_scale_from_depth_and_admits_when_there_is_none() -> None:
    target = np.repeat(_poses(1, 11), 5, 0)
    source = _gauged(target, 0.5, 12)
    with_depth = align_poses(source, target, scale_ratio=np.array([2.0, 2.0, 2.0, 7.0, 2.0]), free_scale=True)
    assert with_depth.target_from_source.scale == pytest.approx(2)
    assert with_depth.is_scale_seen
    without = align_poses(source, target, free_scale=True)
    assert without.target_from_source.scale == 1.0
    assert not without.is_scale_seen
    np.testing.assert_allclose(without.target_from_source.poses(source), target, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_pairs_are_simply_followed(n: int) -> None:
    target = _poses(n, 13)
    source = _gauged(target, 1.0, 14)
    np.testing.assert_allclose(
        align_poses(source, target).target_from_source.poses(source), target, atol=1e-12
    )


def test_moving_the_common_frame_moves_the_answer_and_keeps_the_verdict() -> None:
    target, mover = _poses(10, 15), _poses(1, 16, 2.0)[0]
    source = _gauged(target, 0.8, 17)
    source[:3] = _spoiled(source[:3], "both")
    noise = np.random.default_rng(18).normal(scale=1e-3, size=(10, 3))
    source[:, :3, 3] += noise
    here = align_poses(source, target, free_scale=True)
    there = align_poses(source, mover @ target, free_scale=True)
    assert (here.is_inlier == there.is_inlier).all()
    np.testing.assert_allclose(
        there.target_from_source.poses(source), mover @ here.target_from_source.poses(source), atol=1e-10
    )


def test_with_noise_and_outliers_the_error_stays_below_the_noise() -> None:
    """5 mm and 0.01 rad of noise on 12 pairs, 3 of them wrong: twenty draws, every answer within 2 sigma."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        target = _poses(12, 100 + seed, 0.3)
        source = _gauged(target, 1.0, 200 + seed)
        clean = source.copy()
        source[:, :3, 3] += rng.normal(scale=0.005, size=(12, 3))
        source[:, :3, :3] = (
            source[:, :3, :3] @ Rotation.from_rotvec(rng.normal(scale=0.01, size=(12, 3))).as_matrix()
        )
        source[:3] = _spoiled(source[:3], "both")
        found = align_poses(source, target)
        back = found.target_from_source.poses(clean) @ invert(target)
        assert not found.is_inlier[:3].any()
        assert np.linalg.norm(back[:, :3, :3] - np.eye(3), axis=(1, 2)).max() / np.sqrt(2) < 0.02
        error = found.target_from_source.poses(clean)[:, :3, 3] - target[:, :3, 3]
        assert np.linalg.norm(error, axis=1).mean() < 0.015
