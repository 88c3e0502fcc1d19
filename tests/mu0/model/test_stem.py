"""The convolutional stem in bfloat16 and in float32: the same map and the same gradients within rounding."""

import torch

from mu0.hardware.bfloat16 import Choice, settled_as
from mu0.model.stem import ConvStem

ROUNDING = 2**-8
CPU = torch.device("cpu")


def run(choice: Choice) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Patches, fine map, and the gradient of all weights."""
    torch.manual_seed(0)
    stem = ConvStem(width=32, fine_width=16)
    image = torch.rand(2, 3, 64, 64)
    with settled_as(choice, CPU):
        patches, fine_map = stem(image)
        (patches.square().mean() + fine_map.square().mean()).backward()
    assert patches.dtype == fine_map.dtype == torch.float32
    gradients = [weight.grad.flatten() for weight in stem.parameters() if weight.grad is not None]
    return patches.detach(), fine_map.detach(), torch.cat(gradients)


def test_both_precisions_agree_within_rounding() -> None:
    for exact, rounded in zip(run("float32"), run("bfloat16"), strict=True):
        error = (rounded - exact).norm() / exact.norm()
        assert 0 < error < 4 * ROUNDING


def test_what_was_settled_is_what_runs() -> None:
    for first, second in zip(run("float32"), run("float32"), strict=True):
        assert torch.equal(first, second)
