"""Re-finding: a pattern that went is found where it went, a lone look-alike is not believed."""

import cv2
import numpy as np
import pytest

from mu0.traceextract.backends.interfaces import Keypoints
from mu0.traceextract.tracking.lucas_kanade import follow
from mu0.traceextract.tracking.lucas_kanade_step import LucasKanadeSettings
from mu0.traceextract.tracking.refinding import AGES, Companions, Lost, Refinder
from tests.mu0.traceextract import square_scene as scene

SHIFT_PX = np.array([9.0, -5.0])
NOBODY = Companions(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, int))


def _pair() -> np.ndarray:
    """A picture, three frames of nothing, and the picture shifted."""
    noise = np.random.default_rng(2).random((60, 80)).astype(np.float32)
    first = (255 * cv2.resize(noise, (320, 240), interpolation=cv2.INTER_CUBIC).clip(0, 1)).astype(np.uint8)
    shift = np.array([[1, 0, SHIFT_PX[0]], [0, 1, SHIFT_PX[1]]])
    last = cv2.warpAffine(first, shift, (320, 240))
    return np.stack([first, *[np.zeros_like(first)] * 3, last])


def _lost(*pixels: tuple[float, float]) -> Lost:
    n = len(pixels)
    return Lost(np.zeros(n, int), np.array(pixels, float), np.zeros((n, 2)))


def test_three_points_that_went_together_are_found_where_they_went() -> None:
    lost = _lost((100, 100), (120, 110), (110, 130))
    found, good = Refinder(_pair()).find(lost, 4, NOBODY)
    assert good.all()
    np.testing.assert_allclose(found, lost.pixel + SHIFT_PX, atol=0.15)


def test_a_point_alone_is_not_believed_but_in_company_it_is() -> None:
    lost = _lost((100, 100))
    assert not Refinder(_pair()).find(lost, 4, NOBODY)[1].any()
    before = np.array([[110.0, 95.0], [90.0, 105.0]])
    company = Companions(before, before + SHIFT_PX, np.zeros(2, int))
    assert Refinder(_pair()).find(lost, 4, company)[1].all()
    elsewhere = Companions(before, before - 3 * SHIFT_PX, np.zeros(2, int))
    assert not Refinder(_pair()).find(lost, 4, elsewhere)[1].any()


def test_nothing_is_found_in_an_empty_picture() -> None:
    assert not Refinder(_pair()).find(_lost((100, 100), (120, 110), (110, 130)), 2, NOBODY)[1].any()


@pytest.mark.parametrize("depth", [True, False])
def test_points_covered_for_some_frames_are_followed_again_afterwards(*, depth: bool) -> None:
    footage = scene.footage(poses=True)
    assert footage.depth_m is not None
    grey, depth_m = footage.grey.copy(), footage.depth_m.copy()
    covered = slice(8, 8 + AGES[1])
    grey[covered], depth_m[covered] = 0, 0.3
    x, y = np.meshgrid(np.arange(26, 50, 6.0), np.arange(56, 80, 6.0))
    pixel = np.stack([x.ravel(), y.ravel()], 1)
    keypoints = Keypoints(
        np.zeros(len(pixel), int), pixel, np.zeros(len(pixel), int), np.ones(len(pixel), bool)
    )
    settings = LucasKanadeSettings.for_width(scene.SIZE_PX)
    tracks = follow(grey, depth_m if depth else None, keypoints, settings)
    assert not tracks.is_seen[covered].any()
    again = tracks.is_seen[-1]
    assert again.mean() > 0.5
    truth = pixel + np.array([scene.STEP_PX * (scene.N_FRAMES - 1), 0])
    np.testing.assert_allclose(tracks.pixel[-1, again], truth[again], atol=0.5)
