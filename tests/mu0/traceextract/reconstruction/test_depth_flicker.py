"""Scales that flicker are steadied; slow change, which may be true, stays."""

import numpy as np
import pytest

from mu0.traceextract.reconstruction.depth_flicker import ScaleWatch, flicker_share

N_FRAMES = 60
SURFACE = 1 + np.linspace(0, 1, 64 * 64).reshape(64, 64)


def _watched(scale: np.ndarray) -> ScaleWatch:
    watch = ScaleWatch()
    images = list(watch.passing((factor * SURFACE).astype(np.float32) for factor in scale))
    assert len(images) == len(scale)
    return watch


def test_noise_of_the_scale_shrinks_and_is_reported() -> None:
    noise = np.exp(np.random.default_rng(0).normal(scale=0.05, size=N_FRAMES))
    correction = _watched(noise).correction(9)
    steps, steady = np.diff(np.log(noise)), np.diff(np.log(noise * correction))
    assert steady.std() < 0.1 * steps.std()
    assert flicker_share(correction) == pytest.approx(0.05, abs=0.015)


def test_single_bad_frames_vanish() -> None:
    scale = np.ones(N_FRAMES)
    scale[[10, 40]] = [1.5, 0.7]
    np.testing.assert_allclose(scale * _watched(scale).correction(9), 1, atol=1e-6)


def test_a_walk_towards_the_wall_is_not_smoothed_away() -> None:
    scale = np.exp(-0.01 * np.arange(N_FRAMES))
    np.testing.assert_allclose(_watched(scale).correction(9), 1, atol=1e-5)


@pytest.mark.parametrize("n_frames", [1, 2, 3, 4, 8, 10])
def test_short_clips_are_left_alone_or_stay_sane(n_frames: int) -> None:
    correction = _watched(np.exp(0.02 * np.arange(n_frames))).correction(9)
    assert correction.shape == (n_frames,)
    np.testing.assert_allclose(correction, 1, atol=1e-5)


def test_a_window_of_zero_changes_nothing_and_missing_depth_does_not_count() -> None:
    noise = np.exp(np.random.default_rng(0).normal(scale=0.05, size=N_FRAMES))
    assert (_watched(noise).correction(0) == 1).all()
    holes = _watched(np.where(np.arange(N_FRAMES) == 5, 0.0, 1.0))
    np.testing.assert_array_equal(holes.correction(9), 1)
