"""Chunks of a long video: every one has anchors, and random frames and scales are undone exactly."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mu0.geometry.alignment import align_poses
from mu0.geometry.rigid import from_parts
from mu0.traceextract.reconstruction.chunk_alignment import (
    MIN_ANCHORS,
    ChunkReport,
    Views,
    align_chunk,
    aligned_chunks,
    depth_ratio,
    moved,
    plan_chunks,
)

INTRINSICS = np.array([[300.0, 0, 4], [0, 300.0, 4], [0, 0, 1]])


def camera_path(n_frames: int) -> np.ndarray:
    """A hand-held walk: metres of travel and turns in all directions."""
    time = np.linspace(0, n_frames / 100, n_frames)[:, None]
    centre = np.concatenate([np.sin(0.3 * time), 0.2 * np.cos(0.9 * time), 0.1 * time], 1)
    turn = np.concatenate([0.3 * np.sin(0.5 * time), 0.5 * np.cos(0.2 * time), 0.1 * np.sin(time)], 1)
    return from_parts(Rotation.from_rotvec(turn).as_matrix(), centre)


class Network:
    """Answers correctly, but every time in another frame and scale; noise and blunders on demand."""

    def __init__(
        self, path: np.ndarray, *, noise_m: float = 0.0, noise_rad: float = 0.0, blunders: float = 0.0
    ):
        self.path, self.noise_m, self.noise_rad, self.blunders = path, noise_m, noise_rad, blunders
        self.rng = np.random.default_rng(0)
        self.lengths: list[int] = []

    def __call__(self, frames: np.ndarray) -> Views:
        rng, n = self.rng, len(frames)
        self.lengths.append(n)
        poses = self.path[frames].copy()
        poses[:, :3, 3] += rng.normal(scale=self.noise_m, size=(n, 3)) if self.noise_m else 0
        jitter = Rotation.from_rotvec(rng.normal(scale=self.noise_rad or 1e-300, size=(n, 3))).as_matrix()
        poses[:, :3, :3] = poses[:, :3, :3] @ jitter
        wrong = rng.random(n) < self.blunders
        poses[wrong, :3, 3] += rng.normal(size=(int(wrong.sum()), 3))
        scale = float(np.exp(rng.normal()))
        gauge = from_parts(Rotation.random(random_state=n).as_matrix(), rng.normal(size=3))
        answer = gauge @ poses
        answer[:, :3, 3] *= scale
        depth = scale * (1 + 0.2 * np.sin(frames / 50)[:, None, None] + np.linspace(0, 1, 64).reshape(8, 8))
        return Views(depth, answer, np.repeat(INTRINSICS[None], n, 0))


def _run(n_frames: int, network: Network, chunk_frames: int = 60, per_chunk: int = 6):
    report = ChunkReport()
    views = list(aligned_chunks(np.arange(n_frames), network, chunk_frames, per_chunk, report))
    poses, depth = (
        np.concatenate([getattr(part, name) for part in views]) for name in ("world_from_camera", "depth")
    )
    fit = align_poses(poses, network.path, free_scale=True)
    return fit.target_from_source, fit.target_from_source.poses(poses), depth, report


@pytest.mark.parametrize("n_frames", [6, 60, 61, 121, 359, 1000, 3700, 5000, 20_000])
@pytest.mark.parametrize("per_chunk", [3, 6, 10])
def test_every_chunk_of_a_video_of_any_length_has_anchors(n_frames: int, per_chunk: int) -> None:
    plan = plan_chunks(n_frames, 60, per_chunk)
    assert (np.concatenate(plan.chunks) == np.arange(n_frames)).all()
    assert (np.diff(plan.anchors) > 0).all()
    for chunk in plan.chunks:
        assert len(chunk) <= 60
        assert np.isin(chunk, plan.anchors).sum() >= min(MIN_ANCHORS, n_frames)
        assert np.isin(chunk[[0, -1]], plan.anchors).all()


@pytest.mark.parametrize(("chunk_frames", "per_chunk"), [(6, 3), (12, 6), (60, 30)])
def test_anchors_are_always_fewer_than_frames_so_that_looking_ends(chunk_frames: int, per_chunk: int) -> None:
    for n_frames in range(chunk_frames + 1, 20 * chunk_frames):
        assert len(plan_chunks(n_frames, chunk_frames, per_chunk).anchors) < n_frames


def test_five_thousand_frames_with_random_frames_and_scales_are_recovered_exactly() -> None:
    network = Network(camera_path(5000))
    scale, poses, depth, report = _run(5000, network)
    np.testing.assert_allclose(poses, network.path, atol=1e-9)
    truth = 1 + 0.2 * np.sin(np.arange(5000) / 50)[:, None, None] + np.linspace(0, 1, 64).reshape(8, 8)
    np.testing.assert_allclose(scale.scale * depth, truth, rtol=1e-9)
    assert max(network.lengths) <= 60
    assert [len(level) for level in report.levels] == [
        9,
        84,
    ]  # 504 anchors in 9 chunks, held by 54 in one look
    assert min(chunk.n_anchors for level in report.levels for chunk in level) == 6
    assert max(chunk.distance for level in report.levels for chunk in level) < 1e-9
    np.testing.assert_array_equal(report.intrinsics, INTRINSICS)


def test_with_noise_and_blunders_the_error_does_not_grow_along_the_video() -> None:
    """3 mm, 0.003 rad and 5 % blunders per look: the error stays a few times that, at both ends."""
    network = Network(camera_path(5000), noise_m=0.003, noise_rad=0.003, blunders=0.05)
    _, poses, _, report = _run(5000, network, per_chunk=10)
    error_m = np.linalg.norm(poses[:, :3, 3] - network.path[:, :3, 3], axis=1)
    assert np.median(error_m) < 0.008
    assert np.median(error_m[-500:]) < 0.01
    assert np.median(error_m[:500]) < 0.01
    dropped = sum(chunk.n_anchors - chunk.n_inliers for chunk in report.levels[-1])
    assert dropped > 20  # some of the 84 x 10 anchors were blunders on either side


def test_a_short_video_is_one_look_with_one_camera() -> None:
    network = Network(camera_path(40))
    _, _, _, report = _run(40, network)
    assert network.lengths == [40]
    assert report.summary() == "one look"
    np.testing.assert_array_equal(report.intrinsics, INTRINSICS)


def test_the_report_names_the_worst_chunk() -> None:
    _, _, _, report = _run(200, Network(camera_path(200)))
    assert report.summary().startswith("4 chunks with at least 6 anchors (at least 6 used); worst residual ")


def test_a_still_camera_is_aligned_by_its_depth() -> None:
    path = np.repeat(camera_path(1), 12, 0)
    network = Network(path)
    anchors, chunk = network(np.arange(12)), network(np.arange(12))
    fit, residual = align_chunk(anchors, chunk)
    views = moved(chunk, fit)
    np.testing.assert_allclose(views.depth, anchors.depth, rtol=1e-12)
    np.testing.assert_allclose(views.world_from_camera, anchors.world_from_camera, atol=1e-12)
    assert residual.scale_spread < 1e-12
    assert fit.is_inlier.all()


def test_missing_depth_does_not_decide_the_scale() -> None:
    target, source = np.full((3, 4, 4), 2.0), np.full((3, 4, 4), 1.0)
    source[0] = 0
    target[1, :2] = 0
    ratio = depth_ratio(target, source)
    assert np.isnan(ratio[0])
    assert (ratio[1:] == 2).all()
