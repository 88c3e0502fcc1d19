"""The front picture, as the frozen world model sees it, for the action expert.

    prefix tokens ──┬─────────────── z_vlm ──(+)── z ── 4x4 tokens, and the tokens of the text
    trace features ─┴─ attention ─ sigmoid(gate) ┘
    fine feature map ── named keypoints

Shape suffixes (docs/conventions.md)
    B batch   P prefix tokens   T trace tokens

Sources
    Gated mixer: arXiv:2606.13769 (reference/mu0.md §8).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn

from mu0.policy.blocks import Attention
from mu0.policy.wrist_encoder import GridReadout, NamedKeypoints


@dataclass(frozen=True)
class FrontShape:
    """Sizes of what the world model gives, and of the expert."""

    prefix_width: int
    prefix_len: int
    n_image_tokens: int  # the first tokens of the prefix, a square grid
    trace_width: int
    trace_len: int
    map_channels: int
    width: int
    heads: int
    n_keypoints: int


@dataclass(frozen=True)
class FrontFeatures:
    """Frozen features of the front picture and the sentence."""

    prefix: Float[Tensor, "b p prefix_width"]
    prefix_mask: Bool[Tensor, "b p"]
    trace: Float[Tensor, "b t trace_width"]
    feature_map: Float[Tensor, "b c fine fine"]


@dataclass(frozen=True)
class Picture:
    """Front pictures and their sentences in the pieces of the world model's tokenizer."""

    pixels: UInt8[Tensor, "b 3 h w"]
    tokens: Int[Tensor, "b t"]
    mask: Bool[Tensor, "b t"]


@dataclass(frozen=True)
class FrontTokens:
    """What the expert reads: tokens that keep their places, tokens of the text, places of what is named."""

    grid: Float[Tensor, "b n width"]
    text: Float[Tensor, "b m width"]
    text_mask: Bool[Tensor, "b m"]
    places: Float[Tensor, "b two_k"]


class GatedTraceMixer(nn.Module):
    """z = z_vlm + sigmoid(gate) * attention(queries z_vlm, keys and values trace features)."""

    def __init__(self, shape: FrontShape) -> None:
        super().__init__()
        width = shape.width
        self.project = nn.Sequential(
            nn.LayerNorm(shape.trace_width), nn.Linear(shape.trace_width, width), nn.LayerNorm(width)
        )
        self.position = nn.Parameter(torch.randn(1, shape.trace_len, width) * 0.02)
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, shape.heads)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(
        self,
        z_vlm: Float[Tensor, "b p width"],
        mask: Bool[Tensor, "b p"],
        trace: Float[Tensor, "b t trace_width"],
    ) -> Float[Tensor, "b p width"]:
        """Padded prefix positions take nothing from the traces."""
        mixed = self.attention(self.norm(z_vlm), self.project(trace) + self.position)
        return z_vlm + torch.sigmoid(self.gate) * mixed * mask[..., None]


class FrontEncoder(nn.Module):
    """The trainable reader of frozen features; see the module's picture.

    Args:
        shape: Sizes.
        mixes_traces: False leaves the mixer out and changes nothing else.
    """

    def __init__(self, shape: FrontShape, *, mixes_traces: bool) -> None:
        super().__init__()
        width = shape.width
        self.n_image_tokens = shape.n_image_tokens
        self.project = nn.Sequential(nn.LayerNorm(shape.prefix_width), nn.Linear(shape.prefix_width, width))
        self.prefix_position = nn.Parameter(torch.randn(1, shape.prefix_len, width) * 0.02)
        self.mixer = GatedTraceMixer(shape) if mixes_traces else None
        self.grid = GridReadout(width)
        self.places = NamedKeypoints(shape.map_channels, shape.n_keypoints, width)

    def forward(self, features: FrontFeatures, text: Float[Tensor, "b width"]) -> FrontTokens:
        """Tokens and places; `text` shapes what is looked for on the map."""
        z = self.project(features.prefix) + self.prefix_position[:, : features.prefix.shape[1]]
        if self.mixer is not None:
            z = self.mixer(z, features.prefix_mask, features.trace)
        n = self.n_image_tokens
        return FrontTokens(
            self.grid(z[:, :n]),
            z[:, n:],
            features.prefix_mask[:, n:],
            self.places(features.feature_map, text),
        )
