"""Diffusion policy, a rival that knows nothing of traces: variant `diffusion_policy`.

    front picture ── residual encoder ── places ──┐
    other pictures ── residual encoders ── places ┤
    state, words' mean ───────────────────────────┴── condition ── U-Net over the noisy chunk ── its noise

Everything is trained on demonstrations from random weights. The published policy has no language; our scenes
hold several things and the sentence says which is meant, so the mean of its words joins the condition. The
published one looks at two moments; here all variants look at one. Actions are stretched to [-1, 1] by their
smallest and largest values, because guesses of them are cut there on the way from noise.

Source
    arXiv:2303.04137, its convolutional network on pictures.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mu0.errors import PolicyError
from mu0.policy.action_expert import AbstractExpert, ActionExpertConfig, PolicyInputs
from mu0.policy.blocks import time_features
from mu0.policy.chunk_unet import STEP_MULTIPLE, ChunkUnet
from mu0.policy.diffusion import N_STEPS, denoise, noise_loss
from mu0.policy.residual_encoder import ResidualEncoder

LEAST_REACH = 0.01
"""Standard deviations: a dimension that never changes is divided by no less."""


class DiffusionPolicy(AbstractExpert):
    """See the module's picture.

    Args:
        config: `width` are the channels of the U-Net's middle level, `euler_steps` the steps in which noise
            becomes actions.

    Raises:
        PolicyError: The U-Net cannot halve chunks of that length.
    """

    lowest: Float[Tensor, " action"]
    highest: Float[Tensor, " action"]

    def __init__(self, config: ActionExpertConfig) -> None:
        super().__init__()
        if config.chunk_len % STEP_MULTIPLE:
            raise PolicyError(
                f"A chunk has {config.chunk_len} steps.",
                expected=f"a multiple of {STEP_MULTIPLE}, because diffusion_policy halves it twice",
                remedy="set action_expert.chunk_len in params.yaml to 16.",
            )
        self.config = config
        width = config.width
        self.front = ResidualEncoder(width, config.n_keypoints)
        self.others = nn.ModuleList(ResidualEncoder(width, config.n_keypoints) for _ in range(config.n_stems))
        self.words = nn.Embedding(len(config.vocabulary) + 1, width)
        self.time = nn.Sequential(nn.Linear(width, 4 * width), nn.Mish(), nn.Linear(4 * width, width))
        n_uv = 2 * config.n_keypoints * (1 + config.n_stems)
        condition_width = n_uv + config.state_dim + 2 * width
        self.register_buffer("lowest", -torch.ones(config.action_dim))
        self.register_buffer("highest", torch.ones(config.action_dim))
        self.unet = ChunkUnet(config.action_dim, width, condition_width)

    def meet(self, chunks: Float[Tensor, "n s action"]) -> None:
        """Remember the range of every dimension."""
        steps = chunks.flatten(0, 1)
        self.lowest.copy_(steps.amin(0))
        self.highest.copy_(steps.amax(0))

    def losses(
        self,
        inputs: PolicyInputs,
        chunk: Float[Tensor, "b s action"],
        noise_draws: int,
        generator: torch.Generator,
    ) -> tuple[Float[Tensor, ""], None]:
        """Error of the guessed noise; there is no keyframe."""
        seen = self._seen(inputs)
        data = ((chunk - self._middle) / self._reach).repeat_interleave(noise_draws, dim=0)
        return noise_loss(lambda x, step: self._noise(seen, x, step), data, generator), None

    def plan(self, inputs: PolicyInputs, generator: torch.Generator) -> Float[Tensor, "b s action"]:
        """From noise in a few steps."""
        seen, config = self._seen(inputs), self.config
        noise = torch.randn(len(seen), config.chunk_len, config.action_dim, generator=generator)
        chunk = denoise(lambda x, step: self._noise(seen, x, step), noise.to(seen.device), config.euler_steps)
        return chunk * self._reach + self._middle

    @property
    def _middle(self) -> Float[Tensor, " action"]:
        return (self.highest + self.lowest) / 2

    @property
    def _reach(self) -> Float[Tensor, " action"]:
        return ((self.highest - self.lowest) / 2).clamp(min=LEAST_REACH)

    def _seen(self, inputs: PolicyInputs) -> Float[Tensor, "b seen"]:
        """What is known of the moment: places in all pictures, the state, the sentence."""
        assert inputs.picture is not None, "this expert takes pictures, not features of them"
        places = [self.front(inputs.picture.pixels)]
        places += [look(picture) for look, picture in zip(self.others, inputs.stems, strict=True)]
        return torch.cat([*places, inputs.state, self.words(inputs.words).mean(1)], dim=1)

    def _noise(
        self, seen: Float[Tensor, "b seen"], x: Float[Tensor, "bk s action"], step: Tensor
    ) -> Float[Tensor, "bk s action"]:
        """Guess of the noise in `x`; rows run over moments first, then noise draws."""
        when = self.time(time_features((step + 1) / N_STEPS, self.config.width))
        known = seen.repeat_interleave(len(x) // len(seen), dim=0)
        return self.unet(x, torch.cat([known, when], dim=1))
