"""Tiny rivals and what they see, for the tests of both."""

import torch

from mu0.dataset.statistics import NormalizerStats
from mu0.model.presets import preset
from mu0.model.tokenizer import train_tokenizer
from mu0.model.world_model import TraceWorldModel
from mu0.policy.action_expert import AbstractExpert, ActionExpertConfig, PolicyInputs, Variant
from mu0.policy.front_encoder import Picture
from mu0.policy.seeing_experts import seeing_expert

TEXTS = ["pick the red apple", "put it into the sink now"]


def tiny_world_model() -> TraceWorldModel:
    config = preset("tiny")
    torch.manual_seed(0)
    tokenizer = train_tokenizer(TEXTS, config.vocabulary_size, config.max_text_tokens)
    return TraceWorldModel(config, tokenizer, NormalizerStats(1.0, 1.0, 1.0, 1, 8, 32))


def make_rival(variant: Variant, **changes: object) -> AbstractExpert:
    fields = {
        "objective": "diffusion" if variant == "diffusion_policy" else "flow",
        "vocabulary": ("apple", "red", "sink"),
        "width": 32,
        "heads": 2,
        "n_keypoints": 4,
        "max_words": 5,
    }
    config = ActionExpertConfig(variant=variant, **{**fields, **changes})
    world_model = tiny_world_model()
    torch.manual_seed(1)
    return seeing_expert(config, world_model, 0)


def rival_inputs(n: int, n_stems: int = 1) -> PolicyInputs:
    generator = torch.Generator().manual_seed(1)

    def pictures() -> torch.Tensor:
        return torch.randint(0, 256, (n, 3, 64, 64), generator=generator, dtype=torch.uint8)

    tokens = torch.randint(2, 90, (n, 6), generator=generator)
    return PolicyInputs(
        wrist=pictures(),
        state=torch.randn(n, 9, generator=generator),
        words=torch.randint(0, 4, (n, 5), generator=generator),
        picture=Picture(pictures(), tokens, torch.ones_like(tokens, dtype=torch.bool)),
        others=pictures()[:, None] if n_stems == 2 else None,
    )
