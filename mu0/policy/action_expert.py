"""The action expert: what the frozen world model sees and expects -> the next actions.

    prefix tokens ──┬─────────────── z_vlm ──(+)── z ──┬─ 4x4 tokens ─────────────────┐
    trace features ─┴─ attention ─ sigmoid(gate) ┘     │                               ├─ readout ─ keyframe
    fine feature map ── named keypoints ───────────────────────────────────────────────┤      │        │
    wrist image ── trained stem ── 4x4 tokens + named keypoints ───────────────────────┤      │        │
    state, words ──────────────────────────────────────┴─ context tokens ──────────────┘      └── condition
                                                             │                                     │
    noisy actions + time ─────────── expert blocks (attend to context, adaLN on the condition) ────┘─ velocity

The variant `no_trace` leaves the mixer out and changes nothing else: same frozen prefix features, same head,
same budget, same seeds. The *keyframe* head predicts the commanded pose at the next change of the gripper, an
auxiliary target that demonstrations contain in hindsight; it teaches the encoders where things are.

Shape suffixes (docs/conventions.md)
    B batch   P prefix tokens   T trace tokens   S steps of the chunk

Sources
    Gated mixer and variant: arXiv:2606.13769 (reference/mu0.md §8). Keyframes: arXiv:2105.14829.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn

from mu0.policy.blocks import Attention, ContextBlock, ExpertBlock, mlp, time_features
from mu0.policy.wrist_encoder import GridReadout, NamedKeypoints, WristEncoder

Variant = Literal["mu0", "no_trace"]
Objective = Literal["flow", "l1"]
N_REDUCED = 16
KEYFRAME_DIMS = 4


@dataclass(frozen=True)
class ActionExpertConfig:
    """Shape of one action expert; stored as `config.json` beside the weights."""

    variant: Variant
    objective: Objective
    prefix_width: int
    prefix_len: int
    n_image_tokens: int  # the first tokens of the prefix, a square grid
    trace_width: int
    trace_len: int
    map_channels: int
    vocabulary: tuple[str, ...]  # words seen in training; index 0 is reserved for everything else
    chunk_len: int = 16
    action_dim: int = 5
    state_dim: int = 9
    width: int = 128
    heads: int = 4
    blocks: int = 2
    n_keypoints: int = 32
    max_words: int = 12
    euler_steps: int = 10


@dataclass(frozen=True)
class PolicyInputs:
    """What the expert sees: frozen features, the wrist image, the normalised state and the words."""

    prefix: Float[Tensor, "b p prefix_width"]
    prefix_mask: Bool[Tensor, "b p"]
    trace: Float[Tensor, "b t trace_width"]
    feature_map: Float[Tensor, "b c fine fine"]
    wrist: UInt8[Tensor, "b 3 h w"]
    state: Float[Tensor, "b state"]
    words: Int[Tensor, "b n_words"]


@dataclass(frozen=True)
class Context:
    """Everything that is computed once per observation, and the keyframe guess."""

    tokens: Float[Tensor, "b n width"]
    mask: Bool[Tensor, "b n"]
    condition: Float[Tensor, "b width"]
    keyframe: Float[Tensor, "b 4"]


class GatedTraceMixer(nn.Module):
    """z = z_vlm + sigmoid(gate) * attention(queries z_vlm, keys and values trace features)."""

    def __init__(self, config: ActionExpertConfig) -> None:
        super().__init__()
        width = config.width
        self.project = nn.Sequential(
            nn.LayerNorm(config.trace_width), nn.Linear(config.trace_width, width), nn.LayerNorm(width)
        )
        self.position = nn.Parameter(torch.randn(1, config.trace_len, width) * 0.02)
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, config.heads)
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


class ActionExpert(nn.Module):
    """The trainable head; see the module's picture."""

    def __init__(self, config: ActionExpertConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.project = nn.Sequential(nn.LayerNorm(config.prefix_width), nn.Linear(config.prefix_width, width))
        self.prefix_position = nn.Parameter(torch.randn(1, config.prefix_len, width) * 0.02)
        self.mixer = GatedTraceMixer(config) if config.variant == "mu0" else None
        self.grid = GridReadout(width)
        self.places = NamedKeypoints(config.map_channels, config.n_keypoints, width)
        self.wrist = WristEncoder(width, config.n_keypoints)
        self.state = nn.Linear(config.state_dim, width)
        self.words = nn.Embedding(len(config.vocabulary) + 1, width)
        self.kind = nn.Parameter(torch.randn(4, 1, width) * 0.02)
        self.place = nn.Parameter(torch.randn(2, N_REDUCED, width) * 0.02)
        readout_width = 2 * N_REDUCED * width + 4 * config.n_keypoints + config.state_dim + width
        self.readout = nn.Sequential(nn.LayerNorm(readout_width), mlp(readout_width, 2 * width, width))
        where_width = 4 * config.n_keypoints + config.state_dim + width
        self.where = nn.Sequential(
            mlp(where_width, 2 * width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.keyframe = mlp(width, width, KEYFRAME_DIMS)
        self.aim = nn.Linear(KEYFRAME_DIMS, width)
        self.mix = ContextBlock(width, config.heads)
        self.norm_context = nn.LayerNorm(width)
        self.action_in = nn.Linear(config.action_dim, width)
        self.step_position = nn.Parameter(torch.randn(1, config.chunk_len, width) * 0.02)
        self.time = mlp(width, width, width)
        self.blocks = nn.ModuleList(ExpertBlock(width, config.heads) for _ in range(config.blocks))
        self.norm_out = nn.LayerNorm(width)
        self.action_out = nn.Linear(width, config.action_dim)

    def encode(self, inputs: PolicyInputs) -> Context:
        """Everything that does not depend on the flow time."""
        z = self.project(inputs.prefix) + self.prefix_position[:, : inputs.prefix.shape[1]]
        if self.mixer is not None:
            z = self.mixer(z, inputs.prefix_mask, inputs.trace)
        n_image = self.config.n_image_tokens
        text = self.words(inputs.words).mean(1)
        front, front_uv = self.grid(z[:, :n_image]), self.places(inputs.feature_map, text)
        wrist, wrist_uv = self.wrist(inputs.wrist, text)
        flat = (
            front.flatten(1),
            wrist.flatten(1),
            front_uv,
            wrist_uv,
            inputs.state,
            text,
        )
        readout = self.readout(torch.cat(flat, dim=1)) + self.where(torch.cat(flat[2:], dim=1))
        keyframe = self.keyframe(readout)
        groups = (
            self.state(inputs.state)[:, None],
            wrist + self.place[0],
            front + self.place[1],
            z[:, n_image:],
        )
        tokens = torch.cat([group + kind for group, kind in zip(groups, self.kind, strict=True)], dim=1)
        n_seen = tokens.shape[1] - groups[-1].shape[1]
        seen = torch.ones(len(tokens), n_seen, dtype=torch.bool)
        mask = torch.cat([seen, inputs.prefix_mask[:, n_image:]], dim=1)
        tokens = self.norm_context(self.mix(tokens, mask))
        return Context(tokens, mask, readout + self.aim(keyframe.detach()), keyframe)

    def velocity(
        self, context: Context, x: Float[Tensor, "bk s action"], tau: Float[Tensor, " bk"]
    ) -> Float[Tensor, "bk s action"]:
        """Velocity of the flow; rows run over contexts first, then noise draws."""
        draws = len(x) // len(context.condition)
        features = time_features(tau, self.config.width)
        condition = self.time(features) + context.condition.repeat_interleave(draws, dim=0)
        h = self.action_in(x) + self.step_position
        for block in self.blocks:
            h = block(h, condition, context.tokens, context.mask)
        return self.action_out(self.norm_out(h))

    def regress(self, context: Context) -> Float[Tensor, "b s action"]:
        """The chunk in one pass, for the objective `l1`."""
        n = len(context.condition)
        zeros = torch.zeros(n, self.config.chunk_len, self.config.action_dim)
        return self.velocity(context, zeros, torch.ones(n))
