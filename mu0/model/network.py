"""The network of μ0: what it sees of a scene, and which velocity it gives every control point.

    prefix      = backbone(image, depth, instruction)            once per image
    tokens      = keypoints, their history, noisy control points
    hidden      = expert(tokens, prefix, τ)                       once per solver step
    velocity    = head(norm(hidden))

Conventions and shape suffixes as in mu0.model.world_model, which samples from it and trains it.

Source
    arXiv:2606.13769 and its code, re-implemented; deviations are options of the config.
"""

import dataclasses

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mu0.dataset.statistics import NormalizerStats
from mu0.model.backbone import Backbone, Prefix
from mu0.model.config import WorldModelConfig
from mu0.model.displacement import rays_or_default
from mu0.model.embeddings import fourier_uv, time_sinusoid
from mu0.model.expert import PairedPrefix, SuffixView, TraceExpert
from mu0.model.flow import skip_gain
from mu0.model.keypoint_features import keypoint_features
from mu0.model.lora import adapter_parameters
from mu0.model.named_thing import NamedThing, place
from mu0.model.suffix import Keypoints, SuffixTokens, suffix_view
from mu0.model.tokenizer import CaptionTokenizer


class TraceNetwork(nn.Module):
    """All weights of a world model, with the words and scales that they were trained with."""

    moves_temperature: Tensor  # of models that say what moves

    def __init__(
        self, config: WorldModelConfig, tokenizer: CaptionTokenizer, statistics: NormalizerStats
    ) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.statistics = statistics
        width = config.expert_width
        self.backbone = Backbone(config)
        self.keypoint_features = keypoint_features(config)
        self.suffix = SuffixTokens(config, self.keypoint_features.width)
        self.time_mlp = nn.Sequential(
            nn.Linear(config.time_features, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.expert = TraceExpert(config)
        self.velocity_head = nn.Linear(width, config.control_points_per_token * 3)
        self.done_head = nn.Linear(width, config.future_len)
        nn.init.zeros_(self.done_head.weight)
        nn.init.constant_(self.done_head.bias, config.done_bias)
        self.moves_head: nn.Linear | None = None
        if config.moves_head:  # last, so that all other weights start as they do without it
            self.moves_head = nn.Linear(width, 1)
            nn.init.zeros_(self.moves_head.weight)
            nn.init.zeros_(self.moves_head.bias)
            self.register_buffer("moves_temperature", torch.ones(()))
        self.named_thing: NamedThing | None = None
        self.named_mlp: nn.Sequential | None = None
        if config.named_thing:
            self.named_thing = NamedThing(config)
        if config.named_thing and config.named_keypoint:
            last = nn.Linear(width, width)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            n_features = 4 * config.uv_frequencies + 1
            self.named_mlp = nn.Sequential(nn.Linear(n_features, width), nn.SiLU(), last)
        if not config.train_backbone:
            self._freeze_backbone()

    def _freeze_backbone(self) -> None:
        """Leave only the depth stem and its adapters trainable."""
        self.backbone.requires_grad_(requires_grad=False)
        if self.config.use_depth:
            trainable = [*self.backbone.depth_stem.parameters(), *adapter_parameters(self.backbone)]
            for parameter in trainable:
                parameter.requires_grad = True

    # ------------------------------------------------------------------ the scene, once

    def encode_prefix(
        self,
        image: Float[Tensor, "b 3 s s"],
        instructions: list[str],
        depth_panel: Float[Tensor, "b 3 s s"] | None = None,
        depth_valid: Bool[Tensor, " b"] | None = None,
        image_valid: Bool[Tensor, " b"] | None = None,
    ) -> Prefix:
        """Look at images (in [0, 1]) and read instructions.

        Args:
            image: Any batch of images at the model's size.
            instructions: One per image; an empty one becomes a neutral task.
            depth_panel: Turbo-coloured depth in [0, 1]; ignored by models without a depth branch.
            depth_valid: Which panels to look at; all of them when left out.
            image_valid: Which images to look at; all of them when left out.
        """
        tokens, token_mask = self.tokenizer(instructions)
        if not self.config.use_depth:
            depth_panel = None
        if depth_panel is not None and depth_valid is None:
            depth_valid = torch.ones(len(image), dtype=torch.bool, device=image.device)
        device = image.device
        prefix = self.backbone(
            image, tokens.to(device), token_mask.to(device), depth_panel, depth_valid, image_valid
        )
        maps = self.keypoint_features(image, prefix)
        if image_valid is not None:
            maps = tuple(torch.where(image_valid[:, None, None, None], a_map, 0.0) for a_map in maps)
        named = self._named(image, tokens.to(device), token_mask.to(device), image_valid)
        return dataclasses.replace(prefix, feature_maps=maps, named=named)

    @torch.no_grad()
    def _named(
        self,
        image: Float[Tensor, "b 3 s s"],
        tokens: Int[Tensor, "b t"],
        token_mask: Bool[Tensor, "b t"],
        image_valid: Bool[Tensor, " b"] | None,
    ) -> Float[Tensor, "b 3"] | None:
        """Place of the named thing, which learns from its own loss alone; zeros where the image is hidden."""
        if self.named_thing is None or self.named_mlp is None:
            return None
        named = place(self.named_thing.logit_map(image, tokens, token_mask))
        return named if image_valid is None else torch.where(image_valid[:, None], named, 0.0)

    # ------------------------------------------------------------------ the expert, per solver step

    def future_tokens(
        self,
        prefix: Prefix,
        keypoints: Keypoints,
        noisy_BKQDC: Float[Tensor, "b k q d 3"],
        tau_BK: Float[Tensor, "b k"],
        shared: tuple[list[PairedPrefix], SuffixView] | None = None,
    ) -> Float[Tensor, "b k q tokens w"]:
        """Hidden states of the future tokens before the final norm.

        `shared` is what `share` returned, to reuse it over solver steps.
        """
        paired, view = shared or self.share(prefix, keypoints, noisy_BKQDC.shape[1])
        tokens = self.suffix(keypoints, noisy_BKQDC, prefix)
        condition = self.time_mlp(time_sinusoid(tau_BK.flatten(), self.config.time_features))
        if self.named_mlp is not None and prefix.named is not None:
            where, confidence = prefix.named[:, :2], prefix.named[:, 2:]
            features = torch.cat([fourier_uv(where, self.config.uv_frequencies), confidence], dim=-1)
            told = self.named_mlp(features * confidence)
            condition = condition + told.repeat_interleave(tau_BK.shape[1], dim=0)
        hidden = self.expert(tokens, nn.functional.silu(condition), paired, view)
        groups = hidden.unflatten(1, (-1, self.config.tokens_per_keypoint))
        return groups[:, :, self.config.n_history_tokens :].unflatten(0, tuple(noisy_BKQDC.shape[:2]))

    def share(
        self, prefix: Prefix, keypoints: Keypoints, n_draws: int
    ) -> tuple[list[PairedPrefix], SuffixView]:
        """What does not depend on noise or τ: re-projected prefix and masks."""
        return self.expert.pair(prefix), suffix_view(self.config, prefix, keypoints, n_draws)

    def trace_hidden(
        self,
        prefix: Prefix,
        anchor: Float[Tensor, "b q axes"],
        noisy: Float[Tensor, "b q d 3"],
        tau: Float[Tensor, " b"],
        history: Float[Tensor, "b q past 3"] | None = None,
        history_valid: Bool[Tensor, "b q past"] | None = None,
        query_valid: Bool[Tensor, "b q"] | None = None,
    ) -> Float[Tensor, "b q w"]:
        """What the expert thinks of each keypoint: the features that action experts use."""
        keypoints = self.keypoints(anchor, history, history_valid, query_valid)
        return self.future_tokens(prefix, keypoints, noisy[:, None], tau[:, None])[:, 0].mean(dim=2)

    def keypoints(
        self,
        anchor: Float[Tensor, "b q axes"],
        history: Float[Tensor, "b q past 3"] | None = None,
        history_valid: Bool[Tensor, "b q past"] | None = None,
        query_valid: Bool[Tensor, "b q"] | None = None,
        rays: Float[Tensor, "b 2 2"] | None = None,
    ) -> Keypoints:
        """Fill in what was left out; a history token is visible only if all of its steps are valid.

        `anchor` is (u, v), or (u, v, z) with z = 0 where it is unknown; `rays` are those of the cameras.
        """
        shape, device = anchor.shape[:2], anchor.device
        if history is None or history_valid is None or not self.config.use_history:
            history = anchor.new_zeros(*shape, self.config.history_len, 3)
            history_valid = torch.zeros(history.shape[:3], dtype=torch.bool, device=device)
        if query_valid is None:
            query_valid = torch.ones(shape, dtype=torch.bool, device=device)
        visible = history_valid.unflatten(2, (self.config.n_history_groups, -1)).all(-1)
        seen = torch.where(history_valid[..., None], history, 0.0)
        z_m = anchor[..., 2] if anchor.shape[-1] == 3 else torch.zeros_like(anchor[..., 0])
        rays = rays_or_default(self.config, rays, anchor)
        depth_visible = torch.ones(shape[0], dtype=torch.bool, device=device)
        return Keypoints(anchor[..., :2], seen, visible, query_valid, z_m, rays, depth_visible)

    def velocity(self, tokens_BKQGW: Float[Tensor, "b k q tokens w"]) -> Float[Tensor, "b k q d 3"]:
        """Velocity of every control point, in float32."""
        flat = self.velocity_head(self.expert.norm(tokens_BKQGW).float())
        return flat.flatten(3).unflatten(3, (self.config.n_control_points, 3))

    def flow(
        self,
        tokens_BKQGW: Float[Tensor, "b k q tokens w"],
        noisy_BKQDC: Float[Tensor, "b k q d 3"],
        tau_BK: Float[Tensor, "b k"],
    ) -> Float[Tensor, "b k q d 3"]:
        """The velocity at a noisy point, with the config's skip connection."""
        velocity = self.velocity(tokens_BKQGW)
        if not self.config.flow_skip:
            return velocity
        return velocity + skip_gain(tau_BK)[..., None, None, None] * noisy_BKQDC

    def done_logits(self, tokens_BKQGW: Float[Tensor, "b k q tokens w"]) -> Float[Tensor, "b k q step"]:
        """Positive where a step still belongs to the event."""
        return self.done_head(self.expert.norm(tokens_BKQGW).float().mean(dim=3))

    def moves_logits(self, tokens_BKQGW: Float[Tensor, "b k q tokens w"]) -> Float[Tensor, "b k q"] | None:
        """Positive where a keypoint leaves its place, before calibration; None without that head."""
        if self.moves_head is None:
            return None
        return self.moves_head(self.expert.norm(tokens_BKQGW).float().mean(dim=3))[..., 0]

    def moves_probability(self, logits_BKQ: Float[Tensor, "b k q"] | None) -> Float[Tensor, "b q"] | None:
        """Calibrated P(moves), one for all noise draws of a keypoint."""
        if logits_BKQ is None:
            return None
        return (logits_BKQ.mean(dim=1) / self.moves_temperature).sigmoid()
