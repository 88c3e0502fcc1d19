"""The trace expert: a small transformer beside the backbone that turns noise into traces.

Layer e is paired with a text layer. At even text layers it attends jointly to their prefix keys and values
and to all keypoint tokens; at odd ones it looks at the prefix only, through keys and values re-projected for
the expert. The flow time enters every layer by adaLN-Zero: shift, scale and gate of both halves, all zero at
the start, so an untrained expert passes its input through unchanged.

Shape suffixes (docs/conventions.md)
    B images   K noise draws per image   T suffix tokens   P prefix tokens   W expert width
    Batches of suffixes are flat (b k); draws of one image share its prefix.

Source
    arXiv:2606.13769 and its code; adaLN-Zero arXiv:2212.09748.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from mu0.model.attention import attend, join_heads, rotate, split_heads
from mu0.model.backbone import Prefix
from mu0.model.config import WorldModelConfig

NORM_EPS = 1e-5


class SwiGlu(nn.Module):
    """Gated feed-forward layer without biases."""

    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, inner_width, bias=False)
        self.up_proj = nn.Linear(width, inner_width, bias=False)
        self.down_proj = nn.Linear(inner_width, width, bias=False)

    def forward(self, x: Float[Tensor, "*batch w"]) -> Float[Tensor, "*batch w"]:
        """down(silu(gate x) · up x)."""
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


@dataclass(frozen=True)
class PairedPrefix:
    """One text layer's share of the prefix, as one expert layer uses it (re-projected in odd layers)."""

    keys: Float[Tensor, "b g p e"]
    values: Float[Tensor, "b g p e"]


class ExpertLayer(nn.Module):
    """Attention and feed-forward, both modulated by the flow time."""

    def __init__(self, config: WorldModelConfig, *, is_cross: bool) -> None:
        super().__init__()
        self.is_cross = is_cross
        self.head_width = config.head_width
        self.rope_base = config.rope_base
        width = config.expert_width
        inner = config.text_heads * config.head_width
        shared = config.text_kv_heads * config.head_width
        self.input_layernorm = nn.RMSNorm(width, eps=NORM_EPS)
        self.post_attention_layernorm = nn.RMSNorm(width, eps=NORM_EPS)
        self.q_proj = nn.Linear(width, inner, bias=False)
        self.k_proj = nn.Linear(shared if is_cross else width, shared, bias=False)
        self.v_proj = nn.Linear(shared if is_cross else width, shared, bias=False)
        self.o_proj = nn.Linear(inner, width, bias=False)
        self.mlp = SwiGlu(width, config.expert_mlp_width)
        self.modulation = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def pair(self, keys: Float[Tensor, "b g p e"], values: Float[Tensor, "b g p e"]) -> PairedPrefix:
        """Re-project a text layer's keys and values (odd layers); needed once per prefix."""
        if not self.is_cross:
            return PairedPrefix(keys, values)
        return PairedPrefix(
            split_heads(self.k_proj(join_heads(keys)), self.head_width),
            split_heads(self.v_proj(join_heads(values)), self.head_width),
        )

    def forward(
        self,
        x: Float[Tensor, "bk t w"],
        condition: Float[Tensor, "bk w"],
        paired: PairedPrefix,
        view: "SuffixView",
    ) -> Float[Tensor, "bk t w"]:
        """One layer; `condition` is the embedded flow time after SiLU."""
        chunks = self.modulation(condition)[:, None].chunk(6, dim=-1)
        shift_attention, scale_attention, gate_attention, shift_mlp, scale_mlp, gate_mlp = chunks
        normed = self.input_layernorm(x) * (1 + scale_attention) + shift_attention
        attended = self._cross(normed, paired, view) if self.is_cross else self._joint(normed, paired, view)
        x = x + gate_attention * self.o_proj(attended)
        normed = self.post_attention_layernorm(x) * (1 + scale_mlp) + shift_mlp
        return x + gate_mlp * self.mlp(normed)

    def _joint(
        self, x: Float[Tensor, "bk t w"], paired: PairedPrefix, view: "SuffixView"
    ) -> Float[Tensor, "bk t inner"]:
        """Prefix and suffix keys together; all suffix tokens share one rotary position."""
        position = view.position.repeat_interleave(view.n_draws, dim=0)
        query = rotate(split_heads(self.q_proj(x), self.head_width), position, self.rope_base)
        key = rotate(split_heads(self.k_proj(x), self.head_width), position, self.rope_base)
        value = split_heads(self.v_proj(x), self.head_width)
        keys = torch.cat([paired.keys.repeat_interleave(view.n_draws, dim=0), key], dim=2)
        values = torch.cat([paired.values.repeat_interleave(view.n_draws, dim=0), value], dim=2)
        return join_heads(attend(query, keys, values, view.joint_mask))

    def _cross(
        self, x: Float[Tensor, "bk t w"], paired: PairedPrefix, view: "SuffixView"
    ) -> Float[Tensor, "bk t inner"]:
        """Prefix only; draws of one image are folded into the query axis. Position 0 needs no rotation."""
        folded = self.q_proj(x).unflatten(0, (-1, view.n_draws)).flatten(1, 2)
        query = split_heads(folded, self.head_width)
        mixed = join_heads(attend(query, paired.keys, paired.values, view.prefix_mask))
        return mixed.unflatten(1, (view.n_draws, -1)).flatten(0, 1)


@dataclass(frozen=True)
class SuffixView:
    """Who sees whom, and where the suffix stands."""

    n_draws: int
    position: Int[Tensor, "b 1"]  # shared rotary position: the number of visible prefix tokens
    prefix_mask: Bool[Tensor, "b 1 1 p"]
    joint_mask: Bool[Tensor, "bk 1 t all"]  # prefix, then suffix


class TraceExpert(nn.Module):
    """The stack of expert layers; the final norm is left to the heads: policies read what is before it."""

    def __init__(self, config: WorldModelConfig) -> None:
        super().__init__()
        self.stride = config.text_layers // config.expert_layers
        self.layers = nn.ModuleList(
            ExpertLayer(config, is_cross=index * self.stride % 2 == 1)
            for index in range(config.expert_layers)
        )
        self.norm = nn.RMSNorm(config.expert_width, eps=NORM_EPS)
        if config.unused_weights:  # SmolVLA's time layers, replaced by adaLN; the release stores them
            width = config.expert_width
            self.unused_time_in = nn.Linear(2 * width, width).requires_grad_(requires_grad=False)
            self.unused_time_out = nn.Linear(width, width).requires_grad_(requires_grad=False)

    def pair(self, prefix: Prefix) -> list[PairedPrefix]:
        """Each layer's share of the prefix; compute it once and reuse it in every solver step."""
        keys, values = prefix.keys[:: self.stride], prefix.values[:: self.stride]
        layers = cast("Iterable[ExpertLayer]", self.layers)
        return [layer.pair(k, v) for layer, k, v in zip(layers, keys, values, strict=True)]

    def forward(
        self,
        tokens: Float[Tensor, "bk t w"],
        condition: Float[Tensor, "bk w"],
        paired: list[PairedPrefix],
        view: SuffixView,
    ) -> Float[Tensor, "bk t w"]:
        """Hidden states after the last layer, before the final norm."""
        for layer, share in zip(self.layers, paired, strict=True):
            tokens = layer(tokens, condition, share, view)
        return tokens
