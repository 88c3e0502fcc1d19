"""Rays: what u and v mean in metres per metre of depth; unknown cameras have none."""

import numpy as np

from mu0.dataset.store import WindowSettings, rays_of
from mu0.dataset.windows import TraceWindows
from mu0.episodes.read import read_episode
from mu0.geometry.camera import unproject
from tests.mu0.dataset.tiny_dataset import SHAPE, TinyDataset

INTRINSICS = np.array([[147.0, 0, 60.0], [0, 150.0, 41.0], [0, 0, 1]])


def test_rays_unproject_like_the_intrinsics() -> None:
    pixels = np.array([[0.0, 0.0, 1.5], [128.0, 80.0, 0.7], [33.0, 71.0, 2.0]])
    uv = 2 * pixels[:, :2] / np.array([128, 80]) - 1
    slope, offset = rays_of(INTRINSICS, (80, 128)).T
    expected = unproject(pixels, INTRINSICS)
    np.testing.assert_allclose((uv * slope + offset) * pixels[:, 2:], expected[:, :2], rtol=1e-5)


def test_unknown_cameras_have_no_rays() -> None:
    for unknown in (np.zeros((3, 3)), np.full((3, 3), np.nan)):
        assert (rays_of(unknown, (80, 128)) == 0).all()


def test_batches_carry_the_rays_of_every_image(tiny: TinyDataset) -> None:
    settings = WindowSettings(SHAPE, image_size_px=16)
    windows = TraceWindows.open(tiny.folder, tiny.episodes, tiny.captions, "train", settings)
    rays = windows.batch(0, len(windows), 4, seed=0).rays
    assert rays is not None
    assert rays.shape == (len(windows), 2, 2)
    episode = read_episode(tiny.episodes / "phone" / "walk")
    expected = rays_of(episode.intrinsics[0].astype(np.float64), episode.size_px)
    assert (rays.numpy() == expected).all(axis=(1, 2)).any()
