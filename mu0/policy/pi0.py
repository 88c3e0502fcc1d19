"""π0, a rival that knows nothing of traces: variant `pi0`.

    front and other pictures, sentence ── vision tower and text layers ──────────── (prefix)
                                                 │ keys, values of every layer
    state, noisy actions + time ───────────── expert layers, one beside each ── velocity of the actions

One transformer with two sets of weights: in every layer the expert's tokens attend to the prefix and to each
other in one softmax. Who sees whom goes by blocks: the prefix sees itself, the state also the prefix, the
actions everything, so the prefix is passed once however many steps the flow takes.

All weights start at random and learn from demonstrations. `end_to_end` trains the same vision and text
layers, but its wrist picture has a convolutional encoder of its own, and its expert, like those on features,
reads their last hidden states, guesses the next keyframe and is conditioned through adaLN. Here the wrist
picture is a second one for the tower, the expert lies beside the layers, and it learns from actions alone.

Shape suffixes (docs/conventions.md)
    B batch   P prefix tokens   T expert tokens: the state, then S steps of the chunk

Sources
    arXiv:2410.24164; masks, positions and the fusion of the time: openpi
    (reference/tracegen_tau0_pi0_lerobot.md C.1 to C.4). Sizes are those of a small μ0, not of the paper.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional

from mu0.model.attention import attend, join_heads, rotate, split_heads
from mu0.model.backbone import Backbone, Prefix
from mu0.model.config import WorldModelConfig
from mu0.model.expert import NORM_EPS, SwiGlu
from mu0.policy.action_expert import AbstractExpert, ActionExpertConfig, PolicyInputs
from mu0.policy.blocks import time_features
from mu0.policy.flow import flow_matching_loss, integrate

MLP_RATIO = 4


class PicturesBackbone(Backbone):
    """μ0's vision and text layers, with pictures of other cameras between front picture and sentence."""

    def look(
        self,
        images: list[Float[Tensor, "b 3 s s"]],
        tokens: Int[Tensor, "b t"],
        token_mask: Bool[Tensor, "b t"],
    ) -> Prefix:
        """One pass; pictures in [0, 1] and of the size of the config."""
        pictures = self.image_tokens(torch.cat(images))[0].unflatten(0, (len(images), -1))
        hidden = torch.cat([*pictures, self.smolvlm.text_model.embed_tokens(tokens)], dim=1)
        if self.config.scale_embeddings:
            hidden = hidden * self.config.text_width**0.5
        n_seen = hidden.shape[1] - tokens.shape[1]
        mask = torch.cat([token_mask.new_ones(len(tokens), n_seen), token_mask], dim=1)
        keys, values = [], []
        for layer in self.smolvlm.text_model.layers:
            hidden, key, value = self._text_layer(layer, hidden, mask)
            keys.append(key)
            values.append(value)
        return Prefix(hidden, mask, tuple(keys), tuple(values), n_seen)


@dataclass(frozen=True)
class ExpertView:
    """Who sees whom among the expert's tokens, and where they stand behind the prefix."""

    mask: Bool[Tensor, "bk 1 t all"]  # prefix, then the expert's own
    position: Int[Tensor, "bk t"]


def expert_view(prefix_mask: Bool[Tensor, "b p"], n_steps: int, draws: int) -> ExpertView:
    """The state sees the prefix and itself, every action the prefix, the state and all actions."""
    n_tokens = 1 + n_steps
    own = torch.ones(n_tokens, n_tokens, dtype=torch.bool, device=prefix_mask.device)
    own[0, 1:] = False
    seen = prefix_mask.repeat_interleave(draws, dim=0)[:, None].expand(-1, n_tokens, -1)
    mask = torch.cat([seen, own.expand(len(seen), -1, -1)], dim=2)[:, None]
    position = prefix_mask.sum(1, keepdim=True) + torch.arange(n_tokens, device=prefix_mask.device)
    return ExpertView(mask, position.repeat_interleave(draws, dim=0))


class BesideLayer(nn.Module):
    """The expert's half of one layer: its own weights, keys and values together with those of the prefix."""

    def __init__(self, vlm: WorldModelConfig, width: int) -> None:
        super().__init__()
        self.head_width, self.rope_base = vlm.head_width, vlm.rope_base
        inner, shared = vlm.text_heads * vlm.head_width, vlm.text_kv_heads * vlm.head_width
        self.norm = nn.RMSNorm(width, eps=NORM_EPS)
        self.query = nn.Linear(width, inner, bias=False)
        self.key = nn.Linear(width, shared, bias=False)
        self.value = nn.Linear(width, shared, bias=False)
        self.out = nn.Linear(inner, width, bias=False)
        self.norm_mlp = nn.RMSNorm(width, eps=NORM_EPS)
        self.mlp = SwiGlu(width, MLP_RATIO * width)

    def forward(
        self,
        x: Float[Tensor, "bk t w"],
        prefix_key: Float[Tensor, "b g p e"],
        prefix_value: Float[Tensor, "b g p e"],
        view: ExpertView,
    ) -> Float[Tensor, "bk t w"]:
        """One softmax over prefix and own tokens."""
        draws = len(x) // len(prefix_key)
        y = self.norm(x)
        query, key = (
            rotate(split_heads(layer(y), self.head_width), view.position, self.rope_base)
            for layer in (self.query, self.key)
        )
        keys = torch.cat([prefix_key.repeat_interleave(draws, dim=0), key], dim=2)
        value = split_heads(self.value(y), self.head_width)
        values = torch.cat([prefix_value.repeat_interleave(draws, dim=0), value], dim=2)
        x = x + self.out(join_heads(attend(query, keys, values, view.mask)))
        return x + self.mlp(self.norm_mlp(x))


class Pi0(AbstractExpert):
    """See the module's picture.

    Args:
        config: `width` is the expert's; it has as many layers as the vision-language model.
        vlm: Sizes of the vision-language model: those of a μ0, of which nothing else is taken.
    """

    def __init__(self, config: ActionExpertConfig, vlm: WorldModelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.vlm = PicturesBackbone(replace(vlm, use_depth=False, train_backbone=True, unused_weights=False))
        self.state = nn.Linear(config.state_dim, width)
        self.action_in = nn.Linear(config.action_dim, width)
        self.fuse = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width))
        self.layers = nn.ModuleList(BesideLayer(vlm, width) for _ in range(vlm.text_layers))
        self.norm_out = nn.RMSNorm(width, eps=NORM_EPS)
        self.action_out = nn.Linear(width, config.action_dim)

    def losses(
        self,
        inputs: PolicyInputs,
        chunk: Float[Tensor, "b s action"],
        noise_draws: int,
        generator: torch.Generator,
    ) -> tuple[Float[Tensor, ""], None]:
        """Flow matching; there is no keyframe."""
        prefix = self.look(inputs)
        data = chunk.repeat_interleave(noise_draws, dim=0)
        loss = flow_matching_loss(lambda x, tau: self.velocity(prefix, inputs.state, x, tau), data, generator)
        return loss, None

    def plan(self, inputs: PolicyInputs, generator: torch.Generator) -> Float[Tensor, "b s action"]:
        """Euler steps from noise; the prefix is passed once."""
        prefix, config = self.look(inputs), self.config
        noise = torch.randn(len(inputs.state), config.chunk_len, config.action_dim, generator=generator)
        return integrate(
            lambda x, tau: self.velocity(prefix, inputs.state, x, tau),
            noise.to(inputs.state.device),
            config.euler_steps,
        )

    def look(self, inputs: PolicyInputs) -> Prefix:
        """Everything that does not depend on state and actions."""
        assert inputs.picture is not None, "this expert takes pictures, not features of them"
        images = [self._to_input(pixels) for pixels in (inputs.picture.pixels, *inputs.stems)]
        return self.vlm.look(images, inputs.picture.tokens, inputs.picture.mask)

    def velocity(
        self,
        prefix: Prefix,
        state: Float[Tensor, "b state"],
        x: Float[Tensor, "bk s action"],
        tau: Float[Tensor, " bk"],
    ) -> Float[Tensor, "bk s action"]:
        """Velocity of the flow; rows run over moments first, then noise draws."""
        draws = len(x) // len(state)
        view = expert_view(prefix.mask, x.shape[1], draws)
        when = time_features(tau, self.config.width)[:, None].expand(-1, x.shape[1], -1)
        actions = self.fuse(torch.cat([self.action_in(x), when], dim=2))
        tokens = torch.cat([self.state(state).repeat_interleave(draws, dim=0)[:, None], actions], dim=1)
        for layer, key, value in zip(self.layers, prefix.keys, prefix.values, strict=True):
            tokens = layer(tokens, key, value, view)
        return self.action_out(self.norm_out(tokens[:, 1:]))

    def _to_input(self, pixels: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 s s"]:
        """Pictures in [0, 1] of the tower's size."""
        side_px, image = self.vlm.config.image_size_px, pixels.float() / 255
        if image.shape[-2:] == (side_px, side_px):
            return image
        return functional.interpolate(
            image, (side_px, side_px), mode="bilinear", antialias=True, align_corners=False
        )
