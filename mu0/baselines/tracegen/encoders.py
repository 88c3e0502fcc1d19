"""Encoders of TraceGen: images and words in, tokens out.

Every image encoder turns an image in [0, 1] into tokens of the same square grid of patches, row by row; every
text encoder turns instructions into tokens and a mask. Learned ones are classes of transformers, built from
sizes (offline) and filled by `load_pretrained` from the hub or a folder; small ones learn with the decoder.

    kind         learned  tokens
    conv         no       a few convolutions, then transformer layers
    siglip       yes      SigLIP's vision tower
    dinov3       yes      DINOv3, without class and register tokens
    transformer  no       word embeddings, then transformer layers
    t5           yes      T5's encoder

Source: reference/tracegen_tau0_pi0_lerobot.md A.5.
"""

from abc import ABC, abstractmethod
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    DINOv3ViTConfig,
    DINOv3ViTModel,
    PreTrainedModel,
    SiglipVisionConfig,
    SiglipVisionModel,
    T5Config,
    T5EncoderModel,
)

from mu0.baselines.tracegen.config import EncoderConfig, TraceGenConfig
from mu0.baselines.tracegen.positions import grid_positions
from mu0.model.attention import join_heads, split_heads
from mu0.model.stem import ConvStem

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
N_REGISTERS = 4
POSITION_STD = 0.02


class AbstractImageEncoder(nn.Module, ABC):
    """Image -> patch tokens."""

    pretrained: type[PreTrainedModel] | None = None

    @abstractmethod
    def forward(self, image: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b n w"]:
        """Tokens of the patches, row by row."""


class AbstractTextEncoder(nn.Module, ABC):
    """Token ids -> text tokens."""

    pretrained: type[PreTrainedModel] | None = None

    @abstractmethod
    def forward(self, tokens: Int[Tensor, "b t"], mask: Bool[Tensor, "b t"]) -> Float[Tensor, "b t w"]:
        """One token per id; what stands behind the mask must not matter."""


class EncoderLayer(nn.Module):
    """A pre-norm transformer layer with full attention."""

    def __init__(self, sizes: EncoderConfig) -> None:
        super().__init__()
        self.head_width = sizes.width // sizes.heads
        self.norm1 = nn.LayerNorm(sizes.width)
        self.qkv = nn.Linear(sizes.width, 3 * sizes.width)
        self.out = nn.Linear(sizes.width, sizes.width)
        self.norm2 = nn.LayerNorm(sizes.width)
        self.up = nn.Linear(sizes.width, sizes.mlp_width)
        self.down = nn.Linear(sizes.mlp_width, sizes.width)

    def forward(
        self, x: Float[Tensor, "b n w"], mask: Bool[Tensor, "b 1 1 n"] | None = None
    ) -> Float[Tensor, "b n w"]:
        """The mask is True where a token may be looked at."""
        query, key, value = (
            split_heads(part, self.head_width) for part in self.qkv(self.norm1(x)).chunk(3, dim=-1)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.out(join_heads(mixed))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


@final
class ConvEncoder(AbstractImageEncoder):
    """Convolutions to one token per 16 px patch, a position table that starts as sines, a few layers."""

    def __init__(self, sizes: EncoderConfig, config: TraceGenConfig) -> None:
        super().__init__()
        self.stem = ConvStem(sizes.width, sizes.fine_width)
        n_side = config.image_size_px // config.patch_px
        self.positions = nn.Parameter(grid_positions(1, n_side, sizes.width)[0])
        self.layers = nn.ModuleList(EncoderLayer(sizes) for _ in range(sizes.layers))

    def forward(self, image: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b n w"]:
        """Tokens of the patches, row by row."""
        x = self.stem(image * 2 - 1)[0] + self.positions
        for layer in self.layers:
            x = layer(x)
        return x


@final
class SiglipEncoder(AbstractImageEncoder):
    """SigLIP's vision tower after its last norm."""

    pretrained = SiglipVisionModel

    def __init__(self, sizes: EncoderConfig, config: TraceGenConfig) -> None:
        super().__init__()
        self.model = SiglipVisionModel(
            SiglipVisionConfig(
                hidden_size=sizes.width,
                num_hidden_layers=sizes.layers,
                num_attention_heads=sizes.heads,
                intermediate_size=sizes.mlp_width,
                image_size=config.image_size_px,
                patch_size=config.patch_px,
            )
        )

    def forward(self, image: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b n w"]:
        """Tokens of the patches, row by row."""
        return self.model(pixel_values=image * 2 - 1).last_hidden_state


@final
class DinoEncoder(AbstractImageEncoder):
    """DINOv3's patch tokens after its last norm."""

    pretrained = DINOv3ViTModel

    def __init__(self, sizes: EncoderConfig, config: TraceGenConfig) -> None:
        super().__init__()
        self.model = DINOv3ViTModel(
            DINOv3ViTConfig(
                hidden_size=sizes.width,
                num_hidden_layers=sizes.layers,
                num_attention_heads=sizes.heads,
                intermediate_size=sizes.mlp_width,
                image_size=config.image_size_px,
                patch_size=config.patch_px,
                num_register_tokens=N_REGISTERS,
            )
        )
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None], persistent=False)

    def forward(self, image: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b n w"]:
        """Tokens of the patches, row by row."""
        tokens = self.model(pixel_values=(image - self.mean) / self.std).last_hidden_state
        return tokens[:, 1 + N_REGISTERS :]


@final
class TransformerText(AbstractTextEncoder):
    """Word embeddings with a position table and a few layers."""

    def __init__(self, sizes: EncoderConfig, config: TraceGenConfig) -> None:
        super().__init__()
        self.words = nn.Embedding(config.vocabulary_size, sizes.width)
        self.positions = nn.Parameter(torch.randn(config.max_text_tokens, sizes.width) * POSITION_STD)
        self.layers = nn.ModuleList(EncoderLayer(sizes) for _ in range(sizes.layers))

    def forward(self, tokens: Int[Tensor, "b t"], mask: Bool[Tensor, "b t"]) -> Float[Tensor, "b t w"]:
        """One token per id."""
        x = self.words(tokens) + self.positions[: tokens.shape[1]]
        for layer in self.layers:
            x = layer(x, mask[:, None, None])
        return x


@final
class T5Text(AbstractTextEncoder):
    """T5's encoder after its last norm."""

    pretrained = T5EncoderModel

    def __init__(self, sizes: EncoderConfig, config: TraceGenConfig) -> None:
        super().__init__()
        self.model = T5EncoderModel(
            T5Config(
                vocab_size=config.vocabulary_size,
                d_model=sizes.width,
                d_kv=sizes.width // sizes.heads,
                d_ff=sizes.mlp_width,
                num_layers=sizes.layers,
                num_heads=sizes.heads,
                dropout_rate=0.0,
            )
        )

    def forward(self, tokens: Int[Tensor, "b t"], mask: Bool[Tensor, "b t"]) -> Float[Tensor, "b t w"]:
        """One token per id."""
        return self.model(input_ids=tokens, attention_mask=mask.long()).last_hidden_state


def image_encoder(sizes: EncoderConfig, config: TraceGenConfig) -> AbstractImageEncoder:
    """The image encoder of that kind, with random weights."""
    kinds: dict[str, type[ConvEncoder | SiglipEncoder | DinoEncoder]] = {
        "conv": ConvEncoder,
        "siglip": SiglipEncoder,
        "dinov3": DinoEncoder,
    }
    return kinds[sizes.kind](sizes, config)


def text_encoder(sizes: EncoderConfig, config: TraceGenConfig) -> AbstractTextEncoder:
    """The text encoder of that kind, with random weights."""
    kinds: dict[str, type[TransformerText | T5Text]] = {"transformer": TransformerText, "t5": T5Text}
    return kinds[sizes.kind](sizes, config)
