"""The action expert: what is known of the scene -> the next actions.

    front picture (`front_encoder`) ─ 4x4 tokens, text tokens, named keypoints ──┐
    other pictures ── trained stems ── 4x4 tokens + named keypoints ─────────────┤   readout ─ keyframe
    told of the named thing, state, words ───────────────────────────────────────┴─ context ─ condition
                                                                                       │
    noisy actions + time ── expert blocks (attend to context, adaLN on the condition) ─┴─ velocity

These variants differ in what they see beside wrist picture, state and words, and in nothing else:

    mu0             the front picture as the frozen μ0 sees it, and its trace features
    no_trace        the front picture as the frozen μ0 sees it
    no_pretraining  the front picture as an encoder of the same architecture sees it that was never trained
    end_to_end      the same, trained with the expert (`end_to_end`)
    grounded        no front picture: four numbers from μ0, place and lie of the named thing (`named_place`)
    grounded_front  both: the four numbers, and what mu0 sees
    stems           the front picture as one more of those that trained stems look at; knows no μ0

Two rivals have an architecture of their own and share demonstrations, rows, budget and executor:

    diffusion_policy    pictures through residual networks, a U-Net that takes noise away (`diffusion_policy`)
    pi0                 vision, language and actions in one transformer, trained together (`pi0`)

Sizes of state, action and keyframe, and how many cameras there are, come from an embodiment. The *keyframe*
head predicts the commanded pose at the next change of the gripper, an auxiliary target that demonstrations
contain in hindsight; it teaches the encoders where things are. Where nothing opens or closes there is none.

Shape suffixes (docs/conventions.md)
    B batch   P prefix tokens   T trace tokens   S steps of the chunk

Sources
    Variants mu0 and no_trace: arXiv:2606.13769 (reference/mu0.md §8). Keyframes: arXiv:2105.14829.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn

from mu0.policy.blocks import ContextBlock, ExpertBlock, mlp, time_features
from mu0.policy.flow import flow_matching_loss, integrate
from mu0.policy.front_encoder import FrontEncoder, FrontFeatures, FrontShape, Picture
from mu0.policy.normalization import TOLD_DIMS
from mu0.policy.wrist_encoder import WristEncoder

Variant = Literal[
    "mu0", "no_trace", "no_pretraining", "end_to_end", "grounded", "grounded_front", "stems",
    "diffusion_policy", "pi0",
]  # fmt: skip
Objective = Literal["flow", "l1", "diffusion"]
SEEING: tuple[Variant, ...] = ("end_to_end", "diffusion_policy", "pi0")
"""Variants that learn to see by themselves: they take pictures, not features of them."""
N_REDUCED = 16


@dataclass(frozen=True)
class ActionExpertConfig:
    """Shape of one action expert; stored as `config.json` beside the weights."""

    variant: Variant
    objective: Objective
    vocabulary: tuple[str, ...]  # words seen in training; index 0 is reserved for everything else
    prefix_width: int = 0  # from here on as `FrontShape`; zeros where no front picture is looked at
    prefix_len: int = 0
    n_image_tokens: int = 0
    trace_width: int = 0
    trace_len: int = 0
    map_channels: int = 0
    chunk_len: int = 16
    action_dim: int = 5
    state_dim: int = 9
    width: int = 128
    heads: int = 4
    blocks: int = 2
    n_keypoints: int = 32
    max_words: int = 12
    euler_steps: int = 10
    n_stems: int = 1  # pictures besides those of the frozen front encoder
    keyframe_dims: int = 4  # 0: no such head

    @property
    def looks_through_encoder(self) -> bool:
        """Whether it sees the front picture in features of a world model's encoder."""
        return self.variant not in ("grounded", "stems")

    @property
    def is_told(self) -> bool:
        """Whether it is told where the named thing is."""
        return self.variant in ("grounded", "grounded_front")

    @property
    def mixes_traces(self) -> bool:
        """Whether it reads what the world model expects to move."""
        return self.variant in ("mu0", "grounded_front")

    @property
    def is_seeing(self) -> bool:
        """Whether it takes pictures and learns to see by itself."""
        return self.variant in SEEING

    @property
    def front(self) -> FrontShape:
        """Sizes of the front picture's features."""
        return FrontShape(
            self.prefix_width,
            self.prefix_len,
            self.n_image_tokens,
            self.trace_width,
            self.trace_len,
            self.map_channels,
            self.width,
            self.heads,
            self.n_keypoints,
        )


@dataclass(frozen=True)
class PolicyInputs:
    """What the expert sees: pictures for its stems, normalised state, words; and what its variant adds.

    `wrist` is the picture of the first stem: of the wrist, or without a world model of the front. `others`
    are those of further stems.
    """

    wrist: UInt8[Tensor, "b 3 h w"] | None
    state: Float[Tensor, "b state"]
    words: Int[Tensor, "b n_words"]
    front: FrontFeatures | None = None
    told: Float[Tensor, "b 4"] | None = None  # `mu0.policy.named_place`, in its units
    picture: Picture | None = None  # for who learns to see by itself
    others: UInt8[Tensor, "b cameras 3 h w"] | None = None

    @property
    def stems(self) -> list[UInt8[Tensor, "b 3 h w"]]:
        """Pictures for all stems, the first one's first."""
        first = [] if self.wrist is None else [self.wrist]
        return first if self.others is None else [*first, *self.others.unbind(1)]


@dataclass(frozen=True)
class Context:
    """Everything that is computed once per observation, and the keyframe guess."""

    tokens: Float[Tensor, "b n width"]
    mask: Bool[Tensor, "b n"]
    condition: Float[Tensor, "b width"]
    keyframe: Float[Tensor, "b pose"]


class AbstractExpert(nn.Module, ABC):
    """What training and the robot ask of every variant."""

    config: ActionExpertConfig

    def meet(self, chunks: Float[Tensor, "n s action"]) -> None:
        """Before training, note what the variant must know of all normalised chunks; most: nothing."""

    @abstractmethod
    def losses(
        self,
        inputs: PolicyInputs,
        chunk: Float[Tensor, "b s action"],
        noise_draws: int,
        generator: torch.Generator,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "b pose"] | None]:
        """Loss of the actions, and the guess of the next keyframe from those who make one.

        Args:
            inputs: Of a batch.
            chunk: Normalised actions.
            noise_draws: Times and noises per row that share what was seen.
            generator: Of the CPU; draws them.
        """

    @abstractmethod
    def plan(self, inputs: PolicyInputs, generator: torch.Generator) -> Float[Tensor, "b s action"]:
        """Normalised chunks; `generator`, of the CPU, draws their noise."""


class ActionExpert(AbstractExpert):
    """The trainable head; see the module's picture."""

    def __init__(self, config: ActionExpertConfig) -> None:
        super().__init__()
        self.config = config
        width, n_uv = config.width, 2 * config.n_keypoints
        self.front = (
            FrontEncoder(config.front, mixes_traces=config.mixes_traces)
            if config.looks_through_encoder
            else None
        )
        self.wrist = WristEncoder(width, config.n_keypoints) if config.n_stems else None
        n_known = config.state_dim + (TOLD_DIMS if config.is_told else 0)
        self.state = nn.Linear(n_known, width)
        self.words = nn.Embedding(len(config.vocabulary) + 1, width)
        self.kind = nn.Parameter(torch.randn(4, 1, width) * 0.02)
        self.place = nn.Parameter(torch.randn(2, N_REDUCED, width) * 0.02)
        n_pictures = config.n_stems + config.looks_through_encoder
        where_width = n_pictures * n_uv + n_known + width
        readout_width = n_pictures * N_REDUCED * width + where_width
        self.readout = nn.Sequential(nn.LayerNorm(readout_width), mlp(readout_width, 2 * width, width))
        self.where = nn.Sequential(
            mlp(where_width, 2 * width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        has_keyframe = config.keyframe_dims > 0
        self.keyframe = mlp(width, width, config.keyframe_dims) if has_keyframe else None
        self.aim = nn.Linear(config.keyframe_dims, width) if has_keyframe else None
        self.mix = ContextBlock(width, config.heads)
        self.norm_context = nn.LayerNorm(width)
        self.action_in = nn.Linear(config.action_dim, width)
        self.step_position = nn.Parameter(torch.randn(1, config.chunk_len, width) * 0.02)
        self.time = mlp(width, width, width)
        self.blocks = nn.ModuleList(ExpertBlock(width, config.heads) for _ in range(config.blocks))
        self.norm_out = nn.LayerNorm(width)
        self.action_out = nn.Linear(width, config.action_dim)
        # last, so that experts of one stem draw the same random numbers with or without this line
        self.stems = nn.ModuleList(WristEncoder(width, config.n_keypoints) for _ in range(config.n_stems - 1))
        self.stem_place = nn.ParameterList(torch.randn(N_REDUCED, width) * 0.02 for _ in self.stems)

    def losses(
        self,
        inputs: PolicyInputs,
        chunk: Float[Tensor, "b s action"],
        noise_draws: int,
        generator: torch.Generator,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "b pose"]]:
        """Flow matching, or the mean distance of one pass, by the objective."""
        context = self.encode(inputs)
        if self.config.objective == "l1":
            return (self.regress(context) - chunk).abs().mean(), context.keyframe
        data = chunk.repeat_interleave(noise_draws, dim=0)
        loss = flow_matching_loss(lambda x, tau: self.velocity(context, x, tau), data, generator)
        return loss, context.keyframe

    def plan(self, inputs: PolicyInputs, generator: torch.Generator) -> Float[Tensor, "b s action"]:
        """Euler steps from noise, or one pass of regression."""
        context, config = self.encode(inputs), self.config
        if config.objective == "l1":
            return self.regress(context)
        noise = torch.randn(len(inputs.state), config.chunk_len, config.action_dim, generator=generator)
        noise = noise.to(context.condition.device)
        return integrate(lambda x, tau: self.velocity(context, x, tau), noise, config.euler_steps)

    def encode(self, inputs: PolicyInputs) -> Context:
        """Everything that does not depend on the flow time."""
        text = self.words(inputs.words).mean(1)
        assert (inputs.told is not None) == self.config.is_told, "told of the thing, or not"
        known = inputs.state if inputs.told is None else torch.cat([inputs.state, inputs.told], dim=1)
        groups = [self.state(known)[:, None]]
        pictures: list[Tensor] = []
        places: list[Tensor] = []
        mask = torch.ones(len(text), 1, dtype=torch.bool, device=text.device)
        if self.wrist is not None:
            assert inputs.wrist is not None, "a stem looks at a picture"
            wrist, wrist_uv = self.wrist(inputs.wrist, text)
            groups.append(wrist + self.place[0])
            pictures, places = [wrist], [wrist_uv]
            mask = torch.cat([mask, mask.expand(-1, wrist.shape[1])], dim=1)
        if self.front is not None:
            assert inputs.front is not None, f"{self.config.variant} looks at the front picture"
            seen = self.front(inputs.front, text)
            groups += [seen.grid + self.place[1], seen.text]
            pictures, places = [seen.grid, *pictures], [seen.places, *places]
            mask = torch.cat([mask, mask[:, :1].expand(-1, seen.grid.shape[1]), seen.text_mask], dim=1)
        tokens = [group + kind for group, kind in zip(groups, self.kind, strict=False)]
        for number, stem in enumerate(self.stems):
            assert inputs.others is not None, "each stem looks at a picture"
            grid, uv = stem(inputs.others[:, number], text)
            tokens.append(grid + self.stem_place[number])
            pictures, places = [*pictures, grid], [*places, uv]
            mask = torch.cat([mask, mask[:, :1].expand(-1, grid.shape[1])], dim=1)
        where = torch.cat([*places, known, text], dim=1)
        everything = torch.cat([*(picture.flatten(1) for picture in pictures), where], dim=1)
        readout = self.readout(everything) + self.where(where)
        mixed = self.norm_context(self.mix(torch.cat(tokens, dim=1), mask))
        if self.keyframe is None or self.aim is None:
            return Context(mixed, mask, readout, readout[:, :0])
        keyframe = self.keyframe(readout)
        return Context(mixed, mask, readout + self.aim(keyframe.detach()), keyframe)

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
        zeros = context.condition.new_zeros(n, self.config.chunk_len, self.config.action_dim)
        return self.velocity(context, zeros, context.condition.new_ones(n))
