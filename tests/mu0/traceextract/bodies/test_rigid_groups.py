"""Rigid groups: exact fits, and two bodies told apart by motion alone."""

import numpy as np
from scipy.spatial.transform import Rotation

from mu0.geometry.rigid import fit_rigid
from mu0.traceextract.bodies.rigid_groups import GroupSettings, agreement_with_body, find_bodies
from mu0.traceextract.bodies.rigid_motion import consensus, move

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(9, 3))


def _motion(angle: float, shift: tuple[float, float, float]) -> np.ndarray:
    motion = np.eye(4)
    motion[:3, :3] = Rotation.from_rotvec([0.2 * angle, angle, 0]).as_matrix()
    motion[:3, 3] = shift
    return motion


def test_a_batch_of_motions_is_recovered_exactly() -> None:
    motions = np.stack([_motion(a, (a, 0, 1)) for a in (0.0, 0.5, 3.0)])
    source = np.repeat(POINTS[None], 3, 0)
    found = fit_rigid(source, move(motions, source), np.ones((3, 9)))
    np.testing.assert_allclose(found, motions, atol=1e-12)


def test_mirrored_points_give_a_rotation_not_a_reflection() -> None:
    found = fit_rigid(POINTS, POINTS * [1, 1, -1], np.ones(9))
    assert np.isclose(np.linalg.det(found[:3, :3]), 1)


def test_consensus_ignores_points_that_go_elsewhere() -> None:
    goal = move(_motion(0.4, (0, 0.1, 0)), POINTS)
    goal[:3] += 1
    found, inlier = consensus(POINTS, goal, np.ones(9), 0.01, np.random.default_rng(0))
    np.testing.assert_allclose(found, _motion(0.4, (0, 0.1, 0)), atol=1e-9)
    assert inlier.tolist() == [False] * 3 + [True] * 6


def _two_bodies() -> tuple[np.ndarray, np.ndarray]:
    points = RNG.uniform(-0.05, 0.05, size=(20, 3))
    poses = [(_motion(0.04 * t, (0.02 * t, 0, 1)), _motion(0, (0, -0.02 * t, 1))) for t in range(20)]
    world = np.stack([np.concatenate([move(a, points[:10]), move(b, points[10:])]) for a, b in poses])
    seen = RNG.random((20, 20)) < 0.9
    return np.where(seen[..., None], world, np.nan), seen


def test_two_bodies_are_told_apart_by_their_motion() -> None:
    world, seen = _two_bodies()
    bodies = find_bodies(world, seen, np.ones(20, bool), GroupSettings(), seed=0)
    assert len(bodies) == 2
    shares = [
        agreement_with_body(world, seen, body.world_from_body, body.is_known, 1e-3)[1] for body in bodies
    ]
    owner = np.argmax(shares, 0)
    assert len(set(owner[:10])) == len(set(owner[10:])) == 1
    assert owner[0] != owner[10]
    assert np.max(shares, 0).min() == 1


def test_equal_seeds_give_equal_bodies() -> None:
    world, seen = _two_bodies()
    first, second = (find_bodies(world, seen, np.ones(20, bool), GroupSettings(), seed=1) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert (a.world_from_body == b.world_from_body).all()


def test_no_movers_no_bodies() -> None:
    world, seen = _two_bodies()
    assert find_bodies(world, seen, np.zeros(20, bool), GroupSettings(), seed=0) == []
