"""TraceGen's decoder: a CogVideoX-style transformer over condition tokens and trace tokens.

Both streams attend to each other in one joint self-attention, share its projections and one feed-forward
layer, and are modulated by the noise level through adaptive norms with shifts, scales and gates of their own.
Trace tokens carry fixed positions; condition tokens carry whatever their encoders gave them.

Shape suffixes
    b images times noise draws   n trace tokens   m condition tokens   w width   f numbers per trace token

Source
    arXiv:2511.21690, arXiv:2408.06072; sizes asserted against the published ones in the tests.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from mu0.baselines.tracegen.config import TraceGenConfig
from mu0.baselines.tracegen.positions import noise_level_waves
from mu0.model.attention import join_heads, split_heads

NORM_EPS = 1e-5
HEAD_NORM_EPS = 1e-6


class AdaptiveNorm(nn.Module):
    """One layer norm for both streams; shift, scale and gate of each come from the noise level."""

    def __init__(self, width: int, time_width: int, gate_start: float) -> None:
        super().__init__()
        self.linear = nn.Linear(time_width, 6 * width)
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        if gate_start:
            nn.init.normal_(self.linear.weight, std=0.02)
            nn.init.zeros_(self.linear.bias)
            for gate in (2, 5):
                nn.init.constant_(self.linear.bias[gate * width : (gate + 1) * width], gate_start)

    def forward(
        self,
        trace_bnw: Float[Tensor, "b n w"],
        seen_bmw: Float[Tensor, "b m w"],
        level_bt: Float[Tensor, "b t"],
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Normed trace, normed condition, gate of the trace, gate of the condition."""
        parts = self.linear(functional.silu(level_bt))[:, None].chunk(6, dim=-1)
        shift, scale, gate, seen_shift, seen_scale, seen_gate = parts
        trace = self.norm(trace_bnw) * (1 + scale) + shift
        seen = self.norm(seen_bmw) * (1 + seen_scale) + seen_shift
        return trace, seen, gate, seen_gate


class JointAttention(nn.Module):
    """Full self-attention over [condition, trace] with normed queries and keys."""

    def __init__(self, width: int, head_width: int) -> None:
        super().__init__()
        self.head_width = head_width
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.to_out = nn.Linear(width, width)
        self.norm_q = nn.LayerNorm(head_width, eps=HEAD_NORM_EPS)
        self.norm_k = nn.LayerNorm(head_width, eps=HEAD_NORM_EPS)

    def forward(
        self, x: Float[Tensor, "b n w"], mask: Bool[Tensor, "b 1 1 n"] | None
    ) -> Float[Tensor, "b n w"]:
        """The mask, where there is one, is True for tokens that may be looked at."""
        query = self.norm_q(split_heads(self.to_q(x), self.head_width))
        key = self.norm_k(split_heads(self.to_k(x), self.head_width))
        value = split_heads(self.to_v(x), self.head_width)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.to_out(join_heads(mixed))


class DecoderBlock(nn.Module):
    """Joint attention, then a shared feed-forward layer, each behind an adaptive norm."""

    def __init__(self, config: TraceGenConfig) -> None:
        super().__init__()
        width = config.width
        self.norm1 = AdaptiveNorm(width, config.time_width, config.gate_start)
        self.attention = JointAttention(width, config.head_width)
        self.norm2 = AdaptiveNorm(width, config.time_width, config.gate_start)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(
        self,
        trace_bnw: Float[Tensor, "b n w"],
        seen_bmw: Float[Tensor, "b m w"],
        level_bt: Float[Tensor, "b t"],
        mask: Bool[Tensor, "b 1 1 k"] | None,
    ) -> tuple[Float[Tensor, "b n w"], Float[Tensor, "b m w"]]:
        """Both streams after the block."""
        n_seen = seen_bmw.shape[1]
        trace, seen, gate, seen_gate = self.norm1(trace_bnw, seen_bmw, level_bt)
        mixed = self.attention(torch.cat([seen, trace], dim=1), mask)
        trace_bnw = trace_bnw + gate * mixed[:, n_seen:]
        seen_bmw = seen_bmw + seen_gate * mixed[:, :n_seen]
        trace, seen, gate, seen_gate = self.norm2(trace_bnw, seen_bmw, level_bt)
        inner = functional.gelu(self.up(torch.cat([seen, trace], dim=1)), approximate="tanh")
        mixed = self.down(inner)
        return trace_bnw + gate * mixed[:, n_seen:], seen_bmw + seen_gate * mixed[:, :n_seen]


class TraceDecoder(nn.Module):
    """Noisy trace tokens, condition and noise level in; velocity per token out."""

    def __init__(self, config: TraceGenConfig) -> None:
        super().__init__()
        width = config.width
        self.width = width
        self.trace_in = nn.Linear(config.patch_features, width)
        self.condition_in = nn.Linear(config.condition_width, width)
        self.time_in = nn.Linear(width, config.time_width)
        self.time_out = nn.Linear(config.time_width, config.time_width)
        self.blocks = nn.ModuleList(DecoderBlock(config) for _ in range(config.layers))
        self.norm_final = nn.LayerNorm(width, eps=NORM_EPS)
        self.final_modulation = nn.Linear(config.time_width, 2 * width)
        self.final_norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.out = nn.Linear(width, config.patch_features)

    def forward(
        self,
        noisy_bnf: Float[Tensor, "b n f"],
        positions_bnw: Float[Tensor, "b n w"],
        seen_bmw: Float[Tensor, "b m w"],
        tau_b: Float[Tensor, " b"],
        mask: Bool[Tensor, "b 1 1 k"] | None = None,
    ) -> Float[Tensor, "b n f"]:
        """`seen_bmw` is what `embed_condition` made; the mask covers [condition, trace]."""
        trace = self.trace_in(noisy_bnf) + positions_bnw
        waves = noise_level_waves(tau_b, self.width)
        level = self.time_out(functional.silu(self.time_in(waves)))
        for block in self.blocks:
            trace, seen_bmw = block(trace, seen_bmw, level, mask)
        shift, scale = self.final_modulation(functional.silu(level))[:, None].chunk(2, dim=-1)
        return self.out(self.final_norm(self.norm_final(trace)) * (1 + scale) + shift)

    def embed_condition(self, condition: Float[Tensor, "b m c"]) -> Float[Tensor, "b m w"]:
        """Condition tokens at the decoder's width; needed once for all solver steps."""
        return self.condition_in(condition)
