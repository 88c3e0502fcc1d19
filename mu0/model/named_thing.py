"""Which thing is named: a map of where the picture looks like what the sentence says.

What a sentence names is what gets carried, so traces hold the answer without a label: points that rest now
and move later are on the named thing, points that stay or move at once are not (`mu0.dataset.named`). The
head is small and looks closely: patches of 4 px and their neighbours, words without their order, and one
attention from places to words. The trace expert, which sees coarse tokens, learns the same from as many
scenes only in part (docs/experiments.md).

    logits_at    at keypoints, for training
    logit_map    everywhere, `MAP_PX` pixels apart
    place        (u, v, confidence) of the map's peak, for the trace expert

Conventions
    map      rows from top to bottom; its cells' centres are u = (2 column + 1) / side - 1, v likewise
    place    a mean over the map, weighted by exp(SHARPNESS logit); confidence is the largest probability
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mu0.hardware.bfloat16 import has_fast_bfloat16
from mu0.model.attention import attend, join_heads, split_heads
from mu0.model.config import WorldModelConfig
from mu0.model.keypoint_features import sample_map

MAP_PX = 4
GROUPS, HEAD_WIDTH = 8, 16
SHARPNESS = 2.0  # of a place's weight
WORD_STD = 0.5  # at the start, so that words differ


class NamedThing(nn.Module):
    """Picture and words -> logits of being on the named thing."""

    def __init__(self, config: WorldModelConfig) -> None:
        super().__init__()
        width = config.named_width
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(MAP_PX),
            nn.Conv2d(3 * MAP_PX**2, width, kernel_size=1),
            nn.GroupNorm(GROUPS, width),
            nn.GELU(),
            nn.Conv2d(width, width, kernel_size=3, padding=1, groups=width),
            nn.Conv2d(width, width, kernel_size=1),
            nn.GroupNorm(GROUPS, width),
            nn.GELU(),
        )
        self.words = nn.Embedding(config.vocabulary_size, width)
        nn.init.normal_(self.words.weight, std=WORD_STD)
        self.norm = nn.LayerNorm(width)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.seen = nn.Linear(width, width), nn.Linear(width, width)
        last = nn.Linear(width, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.judge = nn.Sequential(nn.Linear(3 * width, width), nn.GELU(), last)

    def logits_at(
        self,
        image: Float[Tensor, "b 3 s s"],
        tokens: Int[Tensor, "b t"],
        token_mask: Bool[Tensor, "b t"],
        uv: Float[Tensor, "b q 2"],
    ) -> Float[Tensor, "b q"]:
        """Of keypoints; images in [0, 1]."""
        return self._judged(sample_map(self._look(image), uv), tokens, token_mask)

    def logit_map(
        self, image: Float[Tensor, "b 3 s s"], tokens: Int[Tensor, "b t"], token_mask: Bool[Tensor, "b t"]
    ) -> Float[Tensor, "b side side"]:
        """Of all places."""
        features = self._look(image)
        return self._judged(features.flatten(2).mT, tokens, token_mask).unflatten(1, features.shape[2:])

    def _look(self, image: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b w side side"]:
        with torch.autocast(image.device.type, torch.bfloat16, enabled=has_fast_bfloat16(image.device)):
            features: Tensor = self.stem((image * 2 - 1).contiguous(memory_format=torch.channels_last))
        return features.float()

    def _judged(
        self, features: Float[Tensor, "b q w"], tokens: Int[Tensor, "b t"], token_mask: Bool[Tensor, "b t"]
    ) -> Float[Tensor, "b q"]:
        features, words = self.norm(features), self.words(tokens)
        query, key, value = (
            split_heads(layer(of), HEAD_WIDTH)
            for layer, of in ((self.query, features), (self.key, words), (self.value, words))
        )
        said = join_heads(attend(query, key, value, token_mask[:, None, None]))
        seen = self.seen(features)
        logits: Tensor = self.judge(torch.cat([seen, said, seen * said], dim=-1))[..., 0]
        return logits


def place(logits: Float[Tensor, "b side side"]) -> Float[Tensor, "b 3"]:
    """(u, v, confidence) of the named thing."""
    side = logits.shape[-1]
    weight = (SHARPNESS * logits.flatten(1)).softmax(dim=1).unflatten(1, (side, side))
    centre = (2 * torch.arange(side, device=logits.device) + 1) / side - 1
    u, v = (weight.sum(1) * centre).sum(1), (weight.sum(2) * centre).sum(1)
    return torch.stack([u, v, logits.flatten(1).amax(1).sigmoid()], dim=1)
