"""The vision-language backbone: SmolVLM's parts with our own, bidirectional pass through its text layers.

SmolVLM is a SigLIP vision tower, a connector that folds neighbouring patches into one token, and Llama text
layers. It is built from sizes alone (random weights, no download); mu0.model.pretrained fills in the hub's.
The prefix pass differs from a language model in three ways, all inherited from SmolVLA and needed for the
released weights: every token sees every visible token, rotary positions use base 10000, and image and text
embeddings are multiplied by sqrt(width). From random weights that factor drowns what the layers add, so small
models leave it out. The language head is only carried along: the release stores it without using it.

Conventions (docs/conventions.md)
    prefix    [image tokens | depth tokens, if any | text tokens]; positions count visible tokens only
    suffixes  B batch   P prefix tokens   W text width   H heads   E channels per head
"""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import SmolVLMConfig, SmolVLMModel

from mu0.model.attention import attend, join_heads, rotate, split_heads
from mu0.model.config import WorldModelConfig
from mu0.model.lora import adapters_active, add_adapters
from mu0.model.stem import ConvStem, PatchStem


@dataclass(frozen=True)
class Prefix:
    """What the expert may know about the scene; computed once for any number of samples and noise draws."""

    hidden: Float[Tensor, "b p width"]  # after the last text layer, before its final norm
    mask: Bool[Tensor, "b p"]
    keys: tuple[Float[Tensor, "b g p e"], ...]  # per text layer, rotated
    values: tuple[Float[Tensor, "b g p e"], ...]
    n_image_tokens: int
    feature_maps: tuple[Float[Tensor, "b _c _h _w"], ...] = ()  # to be sampled at the keypoints
    named: Float[Tensor, "b 3"] | None = None  # (u, v, confidence) of the named thing (mu0.model.named_thing)


class Backbone(nn.Module):
    """SmolVLM's tower, connector and text layers, with a second stem and adapters for the depth panel."""

    def __init__(self, config: WorldModelConfig) -> None:
        super().__init__()
        self.config = config
        self.smolvlm = SmolVLMModel(smolvlm_config(config))
        embeddings = self.smolvlm.vision_model.embeddings
        self.position_embedding = embeddings.position_embedding
        self.smolvlm.vision_model.embeddings = nn.Identity()
        self.smolvlm.text_model.rotary_emb = nn.Identity()  # positions are rotated in mu0.model.attention
        self.stem = _stem(config)
        if config.use_depth:
            self.depth_stem = _stem(config)
            add_adapters(self.smolvlm.vision_model, config.lora_rank, config.lora_alpha)
        if config.unused_weights:
            self.language_head = nn.Linear(config.text_width, config.vocabulary_size, bias=False)
            self.language_head.requires_grad_(requires_grad=False)

    def image_tokens(
        self, image: Float[Tensor, "b 3 s s"], *, is_depth: bool = False
    ) -> tuple[Float[Tensor, "b n width"], Float[Tensor, "b c fine fine"] | None]:
        """Connector tokens of an image or depth panel in [0, 1], and the stem's fine map if it has one."""
        stem = self.depth_stem if is_depth else self.stem
        patches, fine_map = stem(image * 2 - 1)
        tower = self.smolvlm.vision_model
        positions = self.position_embedding(self._position_ids(patches.shape[1]).to(patches.device))
        with adapters_active(tower) if is_depth else nullcontext():
            encoded = tower.encoder(inputs_embeds=patches + positions, attention_mask=None).last_hidden_state
        return self.smolvlm.connector(tower.post_layernorm(encoded)), fine_map

    def _position_ids(self, n_patches: int) -> Int[Tensor, " n"]:
        """Rows of the position table for a grid of another size, by fractional position (as NaViT)."""
        n_side, n_table = int(n_patches**0.5), self.config.vision_table_px // self.config.patch_px
        nearest = torch.arange(n_side) * n_table // n_side
        return (nearest[:, None] * n_table + nearest[None, :]).flatten()

    def forward(
        self,
        image: Float[Tensor, "b 3 s s"],
        tokens: Int[Tensor, "b t"],
        token_mask: Bool[Tensor, "b t"],
        depth_panel: Float[Tensor, "b 3 s s"] | None = None,
        depth_valid: Bool[Tensor, " b"] | None = None,
        image_valid: Bool[Tensor, " b"] | None = None,
    ) -> Prefix:
        """One pass over the whole prefix; images and depth panels that are not valid are masked."""
        image_tokens, fine_map = self.image_tokens(image)
        if image_valid is None:
            image_valid = torch.ones(len(image), dtype=torch.bool, device=image.device)
        blocks, masks = [image_tokens], [image_valid[:, None].expand(-1, image_tokens.shape[1])]
        if depth_panel is not None and depth_valid is not None and depth_valid.any():
            blocks.append(self.image_tokens(depth_panel, is_depth=True)[0])
            masks.append(depth_valid[:, None].expand(-1, image_tokens.shape[1]))
        blocks.append(self.smolvlm.text_model.embed_tokens(tokens))
        masks.append(token_mask)
        hidden_BPW = torch.cat(blocks, dim=1) * (
            self.config.text_width**0.5 if self.config.scale_embeddings else 1.0
        )
        mask_BP = torch.cat(masks, dim=1)
        keys, values = [], []
        for layer in self.smolvlm.text_model.layers:
            hidden_BPW, key, value = self._text_layer(layer, hidden_BPW, mask_BP)
            keys.append(key)
            values.append(value)
        maps = () if fine_map is None else (fine_map,)
        return Prefix(hidden_BPW, mask_BP, tuple(keys), tuple(values), image_tokens.shape[1], maps)

    def _text_layer(
        self, layer: Any, hidden_BPW: Float[Tensor, "b p w"], mask_BP: Bool[Tensor, "b p"]
    ) -> tuple[Float[Tensor, "b p w"], Float[Tensor, "b g p e"], Float[Tensor, "b g p e"]]:
        """A Llama layer with full attention; also returns its rotated keys and its values."""
        width, base = self.config.head_width, self.config.rope_base
        position_BP = (mask_BP.cumsum(-1) - 1).clamp(min=0)
        normed = layer.input_layernorm(hidden_BPW)
        attention = layer.self_attn
        query = rotate(split_heads(attention.q_proj(normed), width), position_BP, base)
        key = rotate(split_heads(attention.k_proj(normed), width), position_BP, base)
        value = split_heads(attention.v_proj(normed), width)
        mixed = join_heads(attend(query, key, value, mask_BP[:, None, None]))
        hidden_BPW = hidden_BPW + attention.o_proj(mixed)
        return hidden_BPW + layer.mlp(layer.post_attention_layernorm(hidden_BPW)), key, value


def _stem(config: WorldModelConfig) -> PatchStem | ConvStem:
    if config.vision_stem == "conv":
        return ConvStem(config.vision_width, config.stem_width)
    return PatchStem(config.vision_width, config.patch_px)


def smolvlm_config(config: WorldModelConfig) -> SmolVLMConfig:
    """The transformers config of the same sizes."""
    initial_std = config.text_width**-0.5 if config.train_backbone else 0.02
    return SmolVLMConfig(
        vision_config={
            "hidden_size": config.vision_width,
            "num_hidden_layers": config.vision_layers,
            "num_attention_heads": config.vision_heads,
            "intermediate_size": config.vision_mlp_width,
            "patch_size": config.patch_px,
            "image_size": config.vision_table_px,
            "initializer_range": initial_std,
        },
        text_config={
            "model_type": "llama",
            "vocab_size": config.vocabulary_size,
            "hidden_size": config.text_width,
            "num_hidden_layers": config.text_layers,
            "num_attention_heads": config.text_heads,
            "num_key_value_heads": config.text_kv_heads,
            "head_dim": config.head_width,
            "intermediate_size": config.text_mlp_width,
            "rms_norm_eps": 1e-5,
            "initializer_range": initial_std,
            "pad_token_id": 0,
        },
        scale_factor=config.pixel_shuffle,
        pad_token_id=0,
        initializer_range=initial_std,
    )
