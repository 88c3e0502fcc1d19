"""From a picture to places: a lone peak is found where it is, a flat map says the middle."""

import pytest
import torch

from mu0.policy.residual_encoder import ResidualEncoder, SpatialSoftmax


@pytest.mark.parametrize(("row", "column", "uv"), [(0, 0, (-1, -1)), (2, 4, (1, 0)), (4, 1, (-0.5, 1))])
def test_a_lone_peak_is_found_where_it_is(row: int, column: int, uv: tuple[float, float]) -> None:
    softmax = SpatialSoftmax(channels=1, n_keypoints=1)
    torch.nn.init.ones_(softmax.heat.weight)
    feature_map = torch.zeros(1, 1, 5, 5)
    feature_map[0, 0, row, column] = 50
    torch.testing.assert_close(softmax(feature_map), torch.tensor([uv], dtype=torch.float32))


def test_a_flat_map_says_the_middle() -> None:
    softmax = SpatialSoftmax(channels=2, n_keypoints=3)
    torch.testing.assert_close(softmax(torch.ones(1, 2, 4, 6)), torch.zeros(1, 6), atol=1e-6, rtol=0)


@pytest.mark.parametrize("side_px", [16, 64, 90])
def test_pictures_of_any_size_give_as_many_places(side_px: int) -> None:
    encoder = ResidualEncoder(width=32, n_keypoints=4).eval()
    pictures = torch.randint(0, 256, (2, 3, side_px, side_px), dtype=torch.uint8)
    places = encoder(pictures)
    assert places.shape == (2, 8)
    assert places.abs().max() <= 1


def test_pictures_do_not_see_each_other() -> None:
    """Which a batch normalisation would do."""
    encoder = ResidualEncoder(width=32, n_keypoints=4).eval()
    pictures = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    torch.testing.assert_close(encoder(pictures)[:1], encoder(pictures[:1]), atol=1e-5, rtol=1e-4)
