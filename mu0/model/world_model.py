"""μ0: image, instruction and keypoints in; 3D traces of those keypoints out.

    prefix      = backbone(image, depth, instruction)            once per image
    tokens      = keypoints, their history, noisy control points
    hidden      = expert(tokens, prefix, τ)                       once per solver step
    velocity    = head(norm(hidden)) -> control points -> trace

Conventions (docs/conventions.md)
    time     τ = 1 is noise, τ = 0 is data (as in the release; see mu0.model.flow)
    traces   anchor-relative (u, v, z), divided by the delta scale of the statistics
    history  anchor-relative, not divided; oldest first; hidden tokens are masked, not zeroed

Shape suffixes
    B images   K noise draws or samples per image   Q keypoints   D control points   C = 3   W expert width

Source
    arXiv:2606.13769 and its code, re-implemented; deviations are options of the config.
"""

import dataclasses

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mu0.dataset.batch import TraceBatch
from mu0.dataset.statistics import NormalizerStats
from mu0.model.backbone import Backbone, Prefix
from mu0.model.config import WorldModelConfig
from mu0.model.corruption import corrupt, kept_depth, kept_history, kept_images
from mu0.model.curve import curve_basis, curve_fit, starts_at_anchor
from mu0.model.displacement import dataset_units, rays_or_default, unproject
from mu0.model.embeddings import time_sinusoid
from mu0.model.expert import PairedPrefix, SuffixView, TraceExpert
from mu0.model.flow import clean_estimate, euler, guide, interpolate, sample_times
from mu0.model.guidance import Guidance
from mu0.model.keypoint_features import keypoint_features
from mu0.model.lora import adapter_parameters
from mu0.model.losses import LossTerms, done_loss, flow_loss, known_axes, scene_rigidity
from mu0.model.suffix import Keypoints, SuffixTokens, suffix_view
from mu0.model.tokenizer import CaptionTokenizer


class TraceWorldModel(nn.Module):
    """The world model with everything that it needs to speak about metres and words."""

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
        self.fit = curve_fit(config)
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
        return dataclasses.replace(prefix, feature_maps=maps)

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
        return Keypoints(anchor[..., :2], seen, visible, query_valid, z_m, rays)

    def velocity(self, tokens_BKQGW: Float[Tensor, "b k q tokens w"]) -> Float[Tensor, "b k q d 3"]:
        """Velocity of every control point, in float32."""
        flat = self.velocity_head(self.expert.norm(tokens_BKQGW).float())
        return flat.flatten(3).unflatten(3, (self.config.n_control_points, 3))

    def done_logits(self, tokens_BKQGW: Float[Tensor, "b k q tokens w"]) -> Float[Tensor, "b k q step"]:
        """Positive where a step still belongs to the event."""
        return self.done_head(self.expert.norm(tokens_BKQGW).float().mean(dim=3))

    # ------------------------------------------------------------------ inference

    @torch.no_grad()
    def sample(
        self,
        prefix: Prefix,
        keypoints: Keypoints,
        noise_BSQDC: Float[Tensor, "b s q d 3"],
        guidance: Guidance | None = None,
    ) -> tuple[Float[Tensor, "b s q d 3"], Float[Tensor, "b s q step"]]:
        """Control points and the done logits of the last solver step; all samples share the prefix."""
        n_draws = noise_BSQDC.shape[1]
        shared = self.share(prefix, keypoints, n_draws)
        neutral = self.share(guidance.prefix, keypoints, n_draws) if guidance else None
        last_tokens: list[Tensor] = []

        def velocity(x_BSQDC: Tensor, tau: float) -> Tensor:
            times = torch.full(x_BSQDC.shape[:2], tau, device=x_BSQDC.device)
            last_tokens[:] = [self.future_tokens(prefix, keypoints, x_BSQDC, times, shared)]
            followed = self.velocity(last_tokens[0])
            if guidance is None:
                return followed
            tokens = self.future_tokens(guidance.prefix, keypoints, x_BSQDC, times, neutral)
            return guide(followed, self.velocity(tokens), guidance.scale)

        points = euler(velocity, noise_BSQDC, self.config.euler_steps)
        if self.config.hard_anchor and starts_at_anchor(self.config):
            points[..., 0, :] = 0.0
        return points * self._units(keypoints), self.done_logits(last_tokens[0])

    def render(self, points: Float[Tensor, "*batch d 3"]) -> Float[Tensor, "*batch step 3"]:
        """Control points -> future steps, still scaled and anchor-relative."""
        return curve_basis(self.config).to(points) @ points

    def _units(self, keypoints: Keypoints) -> Float[Tensor, "b 1 q 1 3"]:
        """What turns the model's displacements into the dataset's."""
        units_BQC = dataset_units(self.config, self.statistics, keypoints.anchor_z_m, keypoints.rays)
        return units_BQC[:, None, :, None]

    # ------------------------------------------------------------------ training

    def loss(self, batch: TraceBatch, generator: torch.Generator, *, hide_history: bool = False) -> LossTerms:
        """Flow matching with the auxiliary losses; all randomness comes from `generator`.

        Args:
            batch: Windows; NaN-free, read through their masks.
            generator: On the CPU, so that a seed means the same on every device.
            hide_history: Train on no history at all (used when validating without history).
        """
        config, device = self.config, batch.image.device
        if self.training:
            batch = corrupt(config, batch, generator)
        prefix, keypoints = self._seen(batch, generator, hide_history=hide_history)
        units_BQ1C = self._units(keypoints)[:, 0]
        points_BQDC, fitted_BQ = self.fit(batch.future / units_BQ1C, batch.future_valid)
        shape = (len(batch.image), config.noise_draws, *points_BQDC.shape[1:])
        tau_BK = sample_times(shape[:2], generator).to(device)
        noise_BKQDC = torch.randn(shape, generator=generator).to(device)
        data_BKQDC = points_BQDC[:, None].expand(shape)
        noisy_BKQDC = interpolate(data_BKQDC, noise_BKQDC, tau_BK)
        tokens = self.future_tokens(prefix, keypoints, noisy_BKQDC, tau_BK)
        velocity_BKQDC = self.velocity(tokens)
        mask_BKQ = (fitted_BQ & batch.query_valid)[:, None].expand(shape[:3])
        axis_known = known_axes(batch)
        flow = flow_loss(velocity_BKQDC, noise_BKQDC - data_BKQDC, mask_BKQ, axis_known) * config.flow_share
        done = done_loss(
            self.done_logits(tokens),
            batch.future_valid[:, None].expand(*shape[:3], -1),
            batch.query_valid[:, None].expand(shape[:3]),
        )
        clean_BKQDC = clean_estimate(noisy_BKQDC, velocity_BKQDC, tau_BK)
        rigidity = self._rigidity(clean_BKQDC, keypoints, batch, mask_BKQ)
        total = flow + config.done_weight * done + config.rigidity_weight * rigidity
        return LossTerms(total, flow.detach(), done.detach(), rigidity.detach())

    def _seen(
        self, batch: TraceBatch, generator: torch.Generator, *, hide_history: bool
    ) -> tuple[Prefix, Keypoints]:
        """Scene and keypoints after the dropouts of training."""
        config, training = self.config, self.training
        depth_panel, depth_valid = kept_depth(config, batch, generator, training=training)
        image_valid = kept_images(config, batch, generator, training=training)
        prefix = self.encode_prefix(batch.image, batch.instructions, depth_panel, depth_valid, image_valid)
        keypoints = self.keypoints(
            batch.anchor_uvz, batch.history, batch.history_valid, batch.query_valid, batch.rays
        )
        kept = kept_history(config, keypoints, generator, training=training, hide_history=hide_history)
        return prefix, kept

    def _rigidity(
        self,
        clean_BKQDC: Float[Tensor, "b k q d 3"],
        keypoints: Keypoints,
        batch: TraceBatch,
        mask_BKQ: Bool[Tensor, "b k q"],
    ) -> Float[Tensor, ""]:
        """The variant that the config names; without depth, rigid in the image only, or not at all."""
        config, axis_known = self.config, known_axes(batch)
        if config.rigidity == "none":
            return clean_BKQDC.new_zeros(())
        paths = torch.where(axis_known[:, None, None, None], clean_BKQDC, 0.0)
        if config.rigidity == "metric":
            mask_BKQ = mask_BKQ & axis_known[:, 2, None, None]
            scale = torch.from_numpy(self.statistics.delta_scale).to(clean_BKQDC)
            anchors = batch.anchor_uvz[:, None, :, None]
            steps = self.render(clean_BKQDC * self._units(keypoints)) * scale
            paths = unproject(anchors + steps, keypoints.rays)
        return scene_rigidity(paths, batch.cluster_ids, mask_BKQ)
