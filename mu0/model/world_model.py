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
from mu0.geometry.bspline import BezierFit, render_matrix
from mu0.model.backbone import Backbone, Prefix
from mu0.model.config import WorldModelConfig
from mu0.model.embeddings import time_sinusoid
from mu0.model.expert import PairedPrefix, SuffixView, TraceExpert
from mu0.model.flow import clean_estimate, euler, interpolate, sample_times
from mu0.model.keypoint_features import keypoint_features
from mu0.model.lora import adapter_parameters
from mu0.model.losses import LossTerms, done_loss, flow_loss, rigidity_loss, unproject
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
        self.fit = BezierFit(
            config.future_len, config.n_control_points, config.spline_smoothing, config.control_point_limit
        )
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
    ) -> Prefix:
        """Look at images (in [0, 1]) and read instructions.

        Args:
            image: Any batch of images at the model's size.
            instructions: One per image; an empty one becomes a neutral task.
            depth_panel: Turbo-coloured depth in [0, 1]; ignored by models without a depth branch.
            depth_valid: Which panels to look at; all of them when left out.
        """
        tokens, token_mask = self.tokenizer(instructions)
        if not self.config.use_depth:
            depth_panel = None
        if depth_panel is not None and depth_valid is None:
            depth_valid = torch.ones(len(image), dtype=torch.bool, device=image.device)
        device = image.device
        prefix = self.backbone(image, tokens.to(device), token_mask.to(device), depth_panel, depth_valid)
        return dataclasses.replace(prefix, feature_maps=self.keypoint_features(image, prefix))

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
        anchor_uv: Float[Tensor, "b q 2"],
        noisy: Float[Tensor, "b q d 3"],
        tau: Float[Tensor, " b"],
        history: Float[Tensor, "b q past 3"] | None = None,
        history_valid: Bool[Tensor, "b q past"] | None = None,
        query_valid: Bool[Tensor, "b q"] | None = None,
    ) -> Float[Tensor, "b q w"]:
        """What the expert thinks of each keypoint: the features that action experts use."""
        keypoints = self.keypoints(anchor_uv, history, history_valid, query_valid)
        return self.future_tokens(prefix, keypoints, noisy[:, None], tau[:, None])[:, 0].mean(dim=2)

    def keypoints(
        self,
        anchor_uv: Float[Tensor, "b q 2"],
        history: Float[Tensor, "b q past 3"] | None = None,
        history_valid: Bool[Tensor, "b q past"] | None = None,
        query_valid: Bool[Tensor, "b q"] | None = None,
    ) -> Keypoints:
        """Fill in what was left out; a history token is visible only if all of its steps are valid."""
        shape = anchor_uv.shape[:2]
        if history is None or history_valid is None:
            history = anchor_uv.new_zeros(*shape, self.config.history_len, 3)
            history_valid = torch.zeros(history.shape[:3], dtype=torch.bool, device=anchor_uv.device)
        if query_valid is None:
            query_valid = torch.ones(shape, dtype=torch.bool, device=anchor_uv.device)
        visible = history_valid.unflatten(2, (self.config.n_history_groups, -1)).all(-1)
        return Keypoints(anchor_uv, torch.where(history_valid[..., None], history, 0.0), visible, query_valid)

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
        self, prefix: Prefix, keypoints: Keypoints, noise_BSQDC: Float[Tensor, "b s q d 3"]
    ) -> tuple[Float[Tensor, "b s q d 3"], Float[Tensor, "b s q step"]]:
        """Control points and the done logits of the last solver step; all samples share the prefix."""
        shared = self.share(prefix, keypoints, noise_BSQDC.shape[1])
        last_tokens: list[Tensor] = []

        def velocity(x_BSQDC: Tensor, tau: float) -> Tensor:
            times = torch.full(x_BSQDC.shape[:2], tau, device=x_BSQDC.device)
            last_tokens[:] = [self.future_tokens(prefix, keypoints, x_BSQDC, times, shared)]
            return self.velocity(last_tokens[0])

        points = euler(velocity, noise_BSQDC, self.config.euler_steps)
        if self.config.hard_anchor:
            points[..., 0, :] = 0.0
        return points, self.done_logits(last_tokens[0])

    def render(self, points: Float[Tensor, "*batch d 3"]) -> Float[Tensor, "*batch step 3"]:
        """Control points -> future steps, still scaled and anchor-relative."""
        basis = render_matrix(self.config.future_len, self.config.n_control_points)
        return basis.to(points) @ points

    # ------------------------------------------------------------------ training

    def loss(self, batch: TraceBatch, generator: torch.Generator, *, hide_history: bool = False) -> LossTerms:
        """Flow matching with the auxiliary losses; all randomness comes from `generator`.

        Args:
            batch: Windows; NaN-free, read through their masks.
            generator: On the CPU, so that a seed means the same on every device.
            hide_history: Train on no history at all (used when validating without history).
        """
        config, device = self.config, batch.image.device
        depth_panel, depth_valid = self._kept_depth(batch, generator)
        prefix = self.encode_prefix(batch.image, batch.instructions, depth_panel, depth_valid)
        keypoints = self._kept_history(batch, generator, hide_history=hide_history)
        points_BQDC, fitted_BQ = self.fit(batch.future, batch.future_valid)
        shape = (len(batch.image), config.noise_draws, *points_BQDC.shape[1:])
        tau_BK = sample_times(shape[:2], generator).to(device)
        noise_BKQDC = torch.randn(shape, generator=generator).to(device)
        data_BKQDC = points_BQDC[:, None].expand(shape)
        noisy_BKQDC = interpolate(data_BKQDC, noise_BKQDC, tau_BK)
        tokens = self.future_tokens(prefix, keypoints, noisy_BKQDC, tau_BK)
        velocity_BKQDC = self.velocity(tokens)
        mask_BKQ = (fitted_BQ & batch.query_valid)[:, None].expand(shape[:3])
        axis_known = _known_axes(batch)
        flow = flow_loss(velocity_BKQDC, noise_BKQDC - data_BKQDC, mask_BKQ, axis_known)
        done = done_loss(
            self.done_logits(tokens),
            batch.future_valid[:, None].expand(*shape[:3], -1),
            batch.query_valid[:, None].expand(shape[:3]),
        )
        clean_BKQDC = clean_estimate(noisy_BKQDC, velocity_BKQDC, tau_BK)
        rigidity = self._rigidity(clean_BKQDC, batch, mask_BKQ, axis_known)
        total = flow + config.done_weight * done + config.rigidity_weight * rigidity
        return LossTerms(total, flow.detach(), done.detach(), rigidity.detach())

    def _kept_depth(
        self, batch: TraceBatch, generator: torch.Generator
    ) -> tuple[Float[Tensor, "b 3 s s"] | None, Bool[Tensor, " b"] | None]:
        """Depth dropout: per image, or for the whole batch, which then costs nothing."""
        config = self.config
        n_rolls = 1 if config.depth_dropout_whole_batch else len(batch.image)
        kept = torch.rand(n_rolls, generator=generator) >= config.depth_dropout
        if batch.depth_panel is None or batch.depth_valid is None:
            return None, None
        if not self.training:
            return batch.depth_panel, batch.depth_valid
        depth_valid = batch.depth_valid & kept.to(batch.image.device)
        return (batch.depth_panel, depth_valid) if depth_valid.any() else (None, None)

    def _kept_history(
        self, batch: TraceBatch, generator: torch.Generator, *, hide_history: bool
    ) -> Keypoints:
        """History dropout: all keypoints of an image, or single ones."""
        keypoints = self.keypoints(
            batch.anchor_uvz[..., :2], batch.history, batch.history_valid, batch.query_valid
        )
        n_images, n_queries = batch.query_valid.shape
        image_kept = torch.rand(n_images, 1, generator=generator) >= self.config.history_dropout
        single_kept = (
            torch.rand(n_images, n_queries, generator=generator) >= self.config.keypoint_history_dropout
        )
        kept = (image_kept & single_kept).to(batch.image.device)
        if hide_history:
            kept = torch.zeros_like(kept)
        elif not self.training:
            kept = torch.ones_like(kept)
        return dataclasses.replace(keypoints, history_visible=keypoints.history_visible & kept[..., None])

    def _rigidity(
        self,
        clean_BKQDC: Float[Tensor, "b k q d 3"],
        batch: TraceBatch,
        mask_BKQ: Bool[Tensor, "b k q"],
        axis_known: Bool[Tensor, "b 3"],
    ) -> Float[Tensor, ""]:
        """The variant that the config names; without depth, rigid in the image only, or not at all."""
        config = self.config
        if config.rigidity == "none":
            return clean_BKQDC.new_zeros(())
        paths = torch.where(axis_known[:, None, None, None], clean_BKQDC, 0.0)
        if config.rigidity == "metric":
            mask_BKQ = mask_BKQ & axis_known[:, 2, None, None]
            scale = torch.from_numpy(self.statistics.delta_scale).to(clean_BKQDC)
            anchors = batch.anchor_uvz[:, None, :, None]
            paths = unproject(anchors + self.render(clean_BKQDC) * scale, config.half_view_tangent)
        ids = batch.cluster_ids[:, None].expand(mask_BKQ.shape)
        return rigidity_loss(paths.flatten(0, 1), ids.flatten(0, 1), mask_BKQ.flatten(0, 1))


def _known_axes(batch: TraceBatch) -> Bool[Tensor, "b 3"]:
    """Which of u, v, z each image supervises."""
    known = torch.ones(len(batch.image), 3, dtype=torch.bool, device=batch.image.device)
    if batch.has_depth_axis is not None:
        known[:, 2] = batch.has_depth_axis
    return known
