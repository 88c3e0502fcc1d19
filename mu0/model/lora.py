"""Low-rank adapters that can be switched on for one call.

The depth panel goes through the same frozen vision tower as the image, with y = W x + (α / r) B A x in its
linear layers. B starts at zero, so an untrained adapter changes nothing. The image call leaves them off.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


class LoraLinear(nn.Module):
    """A linear layer with an adapter beside it."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Linear(base.in_features, rank, bias=False)
        self.up = nn.Linear(rank, base.out_features, bias=False)
        nn.init.zeros_(self.up.weight)
        self.scale = alpha / rank
        self.is_active = False

    def forward(self, x: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch m"]:
        """The adapted layer while active, otherwise the base layer alone."""
        y: Tensor = self.base(x)
        return y + self.scale * self.up(self.down(x)) if self.is_active else y


def add_adapters(tower: nn.Module, rank: int, alpha: float) -> None:
    """Replace the linear layers named in `TARGETS` below `tower` by adapted ones."""
    for parent in list(tower.modules()):
        for name, child in list(parent.named_children()):
            if name in TARGETS and isinstance(child, nn.Linear):
                setattr(parent, name, LoraLinear(child, rank, alpha))


@contextmanager
def adapters_active(tower: nn.Module) -> Iterator[None]:
    """Switch all adapters below `tower` on for the block."""
    adapters = [module for module in tower.modules() if isinstance(module, LoraLinear)]
    for adapter in adapters:
        adapter.is_active = True
    try:
        yield
    finally:
        for adapter in adapters:
            adapter.is_active = False


def adapter_parameters(tower: nn.Module) -> list[torch.nn.Parameter]:
    """The trainable weights of all adapters below `tower`."""
    adapters = [module for module in tower.modules() if isinstance(module, LoraLinear)]
    return [
        weight
        for adapter in adapters
        for layer in (adapter.down, adapter.up)
        for weight in layer.parameters()
    ]
