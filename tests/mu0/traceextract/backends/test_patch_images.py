"""Frames for vision transformers: whole patches, nothing cropped, the true normalisation."""

import numpy as np
import pytest
import torch

from mu0.traceextract.backends.images import HALF, IMAGENET, image_batch, patch_grid, portions, to_image_size

LIKE = torch.zeros(1)


@pytest.mark.parametrize("height", [48, 100, 333, 480])
@pytest.mark.parametrize("width", [48, 101, 512, 640])
def test_a_grid_keeps_the_aspect_ratio_to_half_a_patch(height: int, width: int) -> None:
    rows, columns = patch_grid(height, width, 16)
    assert min(rows, columns) == 16
    longer = max(height, width) / min(height, width) * 16
    assert abs(max(rows, columns) - longer) <= 0.5


def test_portions_cover_everything_once() -> None:
    pieces = list(portions(np.arange(10), 4))
    assert [len(piece) for piece in pieces] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(pieces), np.arange(10))


def test_a_batch_is_channels_first_and_normalised_without_resizing() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (28, 42, 3), np.uint8)
    batch = image_batch([frame], (28, 42), HALF, LIKE)
    assert batch.shape == (1, 3, 28, 42)
    np.testing.assert_allclose(batch[0, 1], frame[..., 1] / 255 * 2 - 1, atol=1e-6)
    white = image_batch([np.full((8, 8, 3), 255, np.uint8)], (8, 8), IMAGENET, LIKE)[0, :, 0, 0]
    np.testing.assert_allclose(white, [2.2489, 2.4286, 2.64], atol=1e-4)  # the familiar numbers


def test_an_edge_stays_where_it_is_after_resizing() -> None:
    frame = np.zeros((40, 80, 3), np.uint8)
    frame[:, 40:] = 255
    batch = image_batch([frame], (20, 40), HALF, LIKE)
    assert (batch[0, 0, :, :18] < -0.9).all()
    assert (batch[0, 0, :, 22:] > 0.9).all()


def test_maps_come_back_at_the_size_of_the_image() -> None:
    ramp = torch.linspace(0.05, 0.95, 10).repeat(1, 7, 1)  # values at cell centres of 0 to 1
    sized = to_image_size(ramp, 70, 100)
    assert sized.shape == (1, 70, 100)
    np.testing.assert_allclose(sized[0, 0, 10:-10], (np.arange(10, 90) + 0.5) / 100, atol=1e-5)
