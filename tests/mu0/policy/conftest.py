"""Tiny action experts and inputs, without any world model."""

from collections.abc import Callable

import pytest
import torch

from mu0.policy.action_expert import ActionExpert, ActionExpertConfig, PolicyInputs, Variant
from mu0.policy.front_encoder import FrontFeatures

TINY = {
    "objective": "flow",
    "prefix_width": 12,
    "prefix_len": 20,
    "n_image_tokens": 16,
    "trace_width": 10,
    "trace_len": 4,
    "map_channels": 6,
    "vocabulary": ("apple", "red", "sink"),
    "width": 16,
    "heads": 2,
    "blocks": 2,
    "n_keypoints": 4,
    "max_words": 5,
    "euler_steps": 3,
}


def _make_expert(variant: Variant, **changes: object) -> ActionExpert:
    torch.manual_seed(0)
    expert = ActionExpert(ActionExpertConfig(variant=variant, **{**TINY, **changes}))
    with torch.no_grad():  # adaLN-Zero starts as the identity; give every path some say
        for name, parameter in expert.named_parameters():
            if "modulation" in name:
                parameter.normal_(0, 0.1)
    return expert.eval()


@pytest.fixture
def make_expert() -> Callable[..., ActionExpert]:
    return _make_expert


@pytest.fixture
def inputs() -> PolicyInputs:
    generator = torch.Generator().manual_seed(1)
    mask = torch.ones(3, 20, dtype=torch.bool)
    mask[:, 18:] = False
    front = FrontFeatures(
        prefix=torch.randn(3, 20, 12, generator=generator),
        prefix_mask=mask,
        trace=torch.randn(3, 4, 10, generator=generator),
        feature_map=torch.randn(3, 6, 8, 8, generator=generator),
    )
    return PolicyInputs(
        front=front,
        wrist=torch.randint(0, 256, (3, 3, 64, 64), generator=generator, dtype=torch.uint8),
        state=torch.randn(3, 9, generator=generator),
        words=torch.randint(0, 4, (3, 5), generator=generator),
    )
