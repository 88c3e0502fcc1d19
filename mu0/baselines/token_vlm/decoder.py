"""Trace words through the backbone's text layers: causal, with the prefix computed once for all traces.

A trace sees the whole prefix and its own words so far, never another trace. All traces of an image share the
prefix's keys: the scores against them are one matrix product per image, so neither the keypoints nor the
samples copy them. The own keys are kept from word to word.

Shapes
    b images   r traces of an image (keypoints x samples)   l words   m words so far   p prefix tokens
    h heads   g key heads   e channels per head   w text width
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mu0.model.attention import rotate
from mu0.model.backbone import Backbone, Prefix


@dataclass(frozen=True)
class KeyValueCache:
    """Keys and values of the words so far, per layer; `run_layers` fills it in place."""

    keys: tuple[Float[Tensor, "b r g n e"], ...]
    values: tuple[Float[Tensor, "b r g n e"], ...]


def empty_cache(prefix: Prefix, n_traces: int, n_words: int) -> KeyValueCache:
    """Room for `n_words` words of `n_traces` traces per image."""

    def room(like: Tensor) -> Tensor:
        n_images, n_heads, _, width = like.shape
        return like.new_zeros(n_images, n_traces, n_heads, n_words, width)

    return KeyValueCache(tuple(map(room, prefix.keys)), tuple(map(room, prefix.values)))


def run_layers(
    backbone: Backbone,
    words: Float[Tensor, "b r l w"],
    prefix: Prefix,
    cache: KeyValueCache | None = None,
    first: int = 0,
) -> Float[Tensor, "b r l w"]:
    """Hidden states after the last text layer and its norm.

    Args:
        backbone: Whose text layers are used.
        words: Embedded words, one run of L words per trace.
        prefix: What precedes every trace.
        cache: Keys and values of the words before `first`; those of `words` are added. None starts anew.
        first: Place of the first word in its trace.
    """
    n_words = words.shape[2]
    if cache is None:
        cache = empty_cache(prefix, words.shape[1], n_words)
    so_far = first + n_words
    place = torch.arange(so_far, device=words.device)
    causal = place[None, :] <= place[first:, None]
    position = prefix.mask.sum(-1, keepdim=True) + place[first:]
    layers: Any = backbone.smolvlm.text_model.layers
    for number, layer in enumerate(layers):
        attention, normed = layer.self_attn, layer.input_layernorm(words)
        query, key, value = (
            _heads(project(normed), backbone.config.head_width)
            for project in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        query, key = (_rotate(x, position, backbone.config.rope_base) for x in (query, key))
        keys, values = (
            _appended(kept[number], new, first) for kept, new in ((cache.keys, key), (cache.values, value))
        )
        mixed = attend_shared(
            query, (prefix.keys[number], prefix.values[number]), prefix.mask, (keys, values), causal
        )
        words = words + attention.o_proj(mixed.transpose(2, 3).flatten(3))
        words = words + layer.mlp(layer.post_attention_layernorm(words))
    return torch.as_tensor(backbone.smolvlm.text_model.norm(words))


def attend_shared(
    query: Float[Tensor, "b r h l e"],
    prefix: tuple[Float[Tensor, "b g p e"], Float[Tensor, "b g p e"]],
    prefix_mask: Bool[Tensor, "b p"],
    own: tuple[Float[Tensor, "b r g m e"], Float[Tensor, "b r g m e"]],
    own_mask: Bool[Tensor, "l m"],
) -> Float[Tensor, "b r h l e"]:
    """Attention over [prefix | own words], each given as keys and values; the prefix is not copied per trace.

    Fewer key heads than query heads are shared in groups: the queries of a group become more rows.
    """
    n_prefix = prefix_mask.shape[1]
    shape = query.shape
    n_key_heads = prefix[0].shape[1]
    n_shared = shape[2] // n_key_heads
    grouped = (query * shape[-1] ** -0.5).unflatten(2, (n_key_heads, n_shared)).flatten(3, 4)  # b r g (s l) e
    to_prefix = grouped.transpose(1, 2).flatten(2, 3) @ prefix[0].mT  # b g (r s l) p
    to_prefix = to_prefix.masked_fill(~prefix_mask[:, None, None], -torch.inf)
    to_prefix = to_prefix.unflatten(2, (shape[1], -1)).transpose(1, 2)  # b r g (s l) p
    to_own = (grouped @ own[0].mT).masked_fill(~own_mask.repeat(n_shared, 1), -torch.inf)
    weight = torch.cat([to_prefix, to_own], dim=-1).float().softmax(-1).to(query.dtype)
    from_prefix = weight[..., :n_prefix].transpose(1, 2).flatten(2, 3) @ prefix[1]
    from_prefix = from_prefix.unflatten(2, (shape[1], -1)).transpose(1, 2)
    return (from_prefix + weight[..., n_prefix:] @ own[1]).unflatten(3, (n_shared, -1)).flatten(2, 3)


def _heads(x: Float[Tensor, "b r l w"], head_width: int) -> Float[Tensor, "b r h l e"]:
    return x.unflatten(-1, (-1, head_width)).transpose(2, 3)


def _rotate(x: Float[Tensor, "b r h l e"], position: Tensor, base: float) -> Float[Tensor, "b r h l e"]:
    n_traces = x.shape[1]
    turned = rotate(x.flatten(0, 1), position.repeat_interleave(n_traces, dim=0), base)
    return turned.unflatten(0, (-1, n_traces))


def _appended(
    kept: Float[Tensor, "b r g n e"], new: Float[Tensor, "b r g l e"], first: int
) -> Float[Tensor, "b r g m e"]:
    """Everything so far; writes in place only while decoding, where nothing is differentiated."""
    if first == 0 and torch.is_grad_enabled():
        return new
    kept[:, :, :, first : first + new.shape[3]] = new
    return kept[:, :, :, : first + new.shape[3]]
