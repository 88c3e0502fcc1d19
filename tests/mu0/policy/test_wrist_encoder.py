"""Encoders that keep position."""

import torch

from mu0.policy.wrist_encoder import GridReadout, SoftKeypoints, random_shift


def test_soft_keypoint_finds_a_bright_spot() -> None:
    keypoints = SoftKeypoints(1, 1)
    with torch.no_grad():
        keypoints.heat.weight.fill_(50.0)
    grid = torch.zeros(1, 1, 5, 9)
    grid[0, 0, 3, 6] = 1.0
    torch.testing.assert_close(keypoints(grid), torch.tensor([[0.5, 0.5]]), atol=1e-4, rtol=0)


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
    readout = GridReadout(16, 4)
    for side in (4, 8, 12):
        tokens, keypoints = readout(torch.randn(2, side**2, 16))
        assert tokens.shape == (2, 16, 16)
        assert keypoints.shape == (2, 8)
