"""μ0: image, instruction and keypoints in; 3D traces of those keypoints out.

    prefix      = encode_prefix(image, instructions, depth)      once per image
    points      = sample(prefix, keypoints(anchors, history), noise)
    trace       = render(points)
    terms       = loss(batch, generator)                         training

The network itself is mu0.model.network.

Conventions (docs/conventions.md)
    time     τ = 1 is noise, τ = 0 is data (as in the release; see mu0.model.flow)
    traces   anchor-relative (u, v, z), divided by the delta scale of the statistics
    history  anchor-relative, not divided; oldest first; hidden tokens are masked, not zeroed

Shape suffixes
    B images   K noise draws or samples per image   Q keypoints   D control points   C = 3   W expert width

Source
    arXiv:2606.13769 and its code, re-implemented; deviations are options of the config.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mu0.dataset.batch import TraceBatch
from mu0.dataset.statistics import NormalizerStats
from mu0.model.backbone import Prefix
from mu0.model.config import WorldModelConfig
from mu0.model.corruption import corrupt, kept_anchor_depth, kept_depth, kept_history, kept_images
from mu0.model.curve import curve_basis, curve_fit, starts_at_anchor
from mu0.model.displacement import dataset_units, unproject
from mu0.model.flow import clean_estimate, euler, guide, interpolate, sample_times
from mu0.model.guidance import Guidance
from mu0.model.losses import (
    LossTerms,
    done_loss,
    flow_loss,
    known_axes,
    moves_loss,
    scene_rigidity,
    yes_no_loss,
)
from mu0.model.network import TraceNetwork
from mu0.model.suffix import Keypoints
from mu0.model.tokenizer import CaptionTokenizer


class Futures(NamedTuple):
    """What sampling gives: curves, until when they last, and who moves at all."""

    points: Float[Tensor, "b s q d 3"]  # control points, scaled and anchor-relative
    done_logits: Float[Tensor, "b s q step"]  # of the last solver step
    moves: Float[Tensor, "b q"] | None  # calibrated probability; None in models without that head


class TraceWorldModel(TraceNetwork):
    """The world model with everything that it needs to speak about metres and words."""

    def __init__(
        self, config: WorldModelConfig, tokenizer: CaptionTokenizer, statistics: NormalizerStats
    ) -> None:
        super().__init__(config, tokenizer, statistics)
        self.fit = curve_fit(config)

    # ------------------------------------------------------------------ inference

    @torch.no_grad()
    def sample(
        self,
        prefix: Prefix,
        keypoints: Keypoints,
        noise_BSQDC: Float[Tensor, "b s q d 3"],
        guidance: Guidance | None = None,
    ) -> "Futures":
        """Futures of all keypoints; all samples share the prefix."""
        n_draws = noise_BSQDC.shape[1]
        shared = self.share(prefix, keypoints, n_draws)
        neutral = self.share(guidance.prefix, keypoints, n_draws) if guidance else None
        last_tokens: list[Tensor] = []
        first_moves: list[Tensor | None] = []

        def velocity(x_BSQDC: Tensor, tau: float) -> Tensor:
            times = torch.full(x_BSQDC.shape[:2], tau, device=x_BSQDC.device)
            last_tokens[:] = [self.future_tokens(prefix, keypoints, x_BSQDC, times, shared)]
            if not first_moves:  # pure noise: what the model knows before it has drawn a future
                first_moves.append(self.moves_logits(last_tokens[0]))
            followed = self.flow(last_tokens[0], x_BSQDC, times)
            if guidance is None:
                return followed
            tokens = self.future_tokens(guidance.prefix, keypoints, x_BSQDC, times, neutral)
            return guide(followed, self.flow(tokens, x_BSQDC, times), guidance.scale)

        points = euler(velocity, noise_BSQDC, self.config.euler_steps)
        if self.config.hard_anchor and starts_at_anchor(self.config):
            points[..., 0, :] = 0.0
        done, moves = self.done_logits(last_tokens[0]), self.moves_probability(first_moves[0])
        return Futures(points * self._units(keypoints), done, moves)

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
        velocity_BKQDC = self.flow(tokens, noisy_BKQDC, tau_BK)
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
        logits_BKQ, moves = self.moves_logits(tokens), None
        if logits_BKQ is not None and batch.moves is not None:
            moves = moves_loss(logits_BKQ, batch.moves, batch.query_valid)
            total = total + config.moves_weight * moves
            moves = moves.detach()
        named = self._named_loss(batch)
        if named is not None:
            total = total + config.named_weight * named
            named = named.detach()
        return LossTerms(total, flow.detach(), done.detach(), rigidity.detach(), moves, named)

    def _named_loss(self, batch: TraceBatch) -> Float[Tensor, ""] | None:
        """Of the images that are asked what is named; None in models and batches without."""
        if self.named_thing is None or batch.named is None:
            return None
        tokens, mask = (one.to(batch.image.device) for one in self.tokenizer(batch.named.instructions))
        logits = self.named_thing.logits_at(batch.named.image, tokens, mask, batch.named.uv)
        return yes_no_loss(logits, batch.named.is_named, batch.named.valid)

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
        keypoints = kept_history(config, keypoints, generator, training=training, hide_history=hide_history)
        return prefix, kept_anchor_depth(config, keypoints, generator, training=training)

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
