"""Encoders that keep position."""

import torch

from mu0.policy.wrist_encoder import HEAT_CHANNELS, GridReadout, NamedKeypoints, random_shift


def two_things() -> tuple[NamedKeypoints, torch.Tensor]:
    """Thing 0 at (0.5, 0.5), thing 1 at (-0.5, -0.5), and a keypoint that looks for what is named."""
    keypoints = NamedKeypoints(2, 1, 2)
    keypoints.features = torch.nn.ZeroPad2d((0, 0, 0, 0))
    with torch.no_grad():
        keypoints.looked_for = torch.nn.Parameter(torch.zeros(1, 2))
        keypoints.named = torch.nn.Linear(2, 2)
        keypoints.named.weight.copy_(torch.eye(2) * 50 * HEAT_CHANNELS**0.5)
        keypoints.named.bias.zero_()
    feature_map = torch.zeros(1, 2, 5, 9)
    feature_map[0, 0, 3, 6] = feature_map[0, 1, 1, 2] = 1.0
    return keypoints.eval(), feature_map


def test_a_named_keypoint_finds_what_the_words_name() -> None:
    keypoints, feature_map = two_things()
    first = keypoints(feature_map, torch.tensor([[1.0, 0.0]]))
    second = keypoints(feature_map, torch.tensor([[0.0, 1.0]]))
    torch.testing.assert_close(first, torch.tensor([[0.5, 0.5]]), atol=1e-4, rtol=0)
    torch.testing.assert_close(second, torch.tensor([[-0.5, -0.5]]), atol=1e-4, rtol=0)


def test_shift_moves_by_at_most_three_pixels_and_repeats_edges() -> None:
    images = torch.arange(64, dtype=torch.uint8).repeat(2, 3, 64, 1)
    shifted = random_shift(images, torch.Generator().manual_seed(0))
    offset = shifted[:, :, :, 10].int() - images[:, :, :, 10].int()
    assert offset.abs().max() <= 3
    assert (offset == offset[:, :1, :1]).all()
    assert shifted.max() <= 63


def test_shift_is_seeded() -> None:
    images = torch.randint(0, 255, (4, 3, 64, 64), dtype=torch.uint8)
    first, second = (random_shift(images, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)


def test_grids_of_any_size_are_read() -> None:
    readout = GridReadout(16)
    for side in (4, 8, 12):
        assert readout(torch.randn(2, side**2, 16)).shape == (2, 16, 16)
