"""TraceGen: one image, depth and words in; the increments of a 20 x 20 grid of keypoints out.

    condition  = fuse(geometry, semantics, depth), words          once per image
    increments = the grid's steps from frame to frame             (cell, step, 3), divided by a scale
    velocity   = decoder(noisy tokens, condition, τ)              once per solver step
    trace      = anchor + cumulative sum of increments

Time runs as everywhere in mu0: τ = 1 is noise, τ = 0 is data, the target is noise - data, and the solver
walks from 1 to 0 in 100 equal Euler steps (other numbers are an option). τ is drawn evenly from [0, 1].

Cells without a keypoint (our episodes follow things that move, not a grid) are never in the loss. What stands
there is an option, the same in training and prediction:
    absent    nothing: such cells hold zeros, and patches without any keypoint take no part in attention. A
              prediction then tells the model where it is asked, as μ0 is told.
    nearest   the noisy increments of the nearest keypoint, so that a whole grid is denoised as in the
              published method; at the end a keypoint looks up its cell.

Unlike the published code: the loss is a mean over known numbers only; a predicted number behind the end of an
event costs nothing but known zeros do; depth is used wherever there is one; any number of solver steps works
because τ at the solver's points is the τ of training (there it was off by one hundredth).

Source: arXiv:2511.21690; reference/tracegen_tau0_pi0_lerobot.md A.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mu0.baselines.tracegen.condition import Condition, ConditionEncoder
from mu0.baselines.tracegen.config import TraceGenConfig
from mu0.baselines.tracegen.decoder import TraceDecoder
from mu0.baselines.tracegen.grid import keypoint_of_cell, nearest_keypoint, place_on_grid
from mu0.baselines.tracegen.increments import from_patches, increments_of, to_patches
from mu0.baselines.tracegen.patches import PatchChoice, choose_patches
from mu0.baselines.tracegen.positions import grid_positions
from mu0.dataset.batch import TraceBatch
from mu0.dataset.statistics import NormalizerStats
from mu0.model.flow import euler, interpolate
from mu0.model.tokenizer import CaptionTokenizer


@dataclass(frozen=True)
class GridTarget:
    """What training knows about the grid."""

    data: Float[Tensor, "b cells step 3"]  # scaled increments; what an empty cell holds is an option
    known: Bool[Tensor, "b cells step 3"]  # what the loss may look at
    occupied: Bool[Tensor, "b cells"]  # cells that take part


class TraceGen(nn.Module):
    """The model with everything that it needs to speak about metres and words."""

    positions: Tensor
    increment_scale: Tensor

    def __init__(
        self, config: TraceGenConfig, tokenizer: CaptionTokenizer, statistics: NormalizerStats
    ) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.statistics = statistics
        self.condition = ConditionEncoder(config, tokenizer)
        self.decoder = TraceDecoder(config)
        n_side = config.grid_size // config.grid_patch
        self.register_buffer(
            "positions", grid_positions(config.n_frames, n_side, config.width), persistent=False
        )
        self.register_buffer("increment_scale", torch.tensor(config.increment_scale), persistent=False)

    def encode(
        self,
        image: Float[Tensor, "b 3 s s"],
        instructions: Sequence[str],
        depth_panel: Float[Tensor, "b 3 s s"] | None = None,
        depth_valid: Bool[Tensor, " b"] | None = None,
    ) -> Condition:
        """Look at images in [0, 1] and read instructions."""
        return self.condition(image, instructions, depth_panel, depth_valid)

    # ------------------------------------------------------------------ training

    def loss(self, batch: TraceBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """Flow matching on the increments of occupied cells; all randomness comes from `generator`."""
        condition = self.encode(batch.image, batch.instructions, batch.depth_panel, batch.depth_valid)
        target = self.grid_target(batch)
        choice = choose_patches(target.occupied, self.config)
        n_images, n_draws = len(batch.image), self.config.noise_draws
        shape = (n_images, n_draws, *target.data.shape[1:])
        tau_bk = torch.rand(n_images, n_draws, generator=generator).to(batch.image.device)
        noise_bkcs3 = torch.randn(shape, generator=generator).to(batch.image.device)
        data_bkcs3 = target.data[:, None].expand(shape)
        noisy_bkcs3 = interpolate(data_bkcs3, noise_bkcs3, tau_bk) * target.occupied[:, None, :, None, None]
        tokens = self._tokens(noisy_bkcs3, choice)
        velocity = self.velocity(tokens, tau_bk, condition, choice)
        wanted = self._tokens(noise_bkcs3 - data_bkcs3, choice)
        known = self._tokens(target.known[:, None].expand(shape).to(tokens), choice)
        squared = (velocity - wanted).square() * known
        flow = squared.sum() / known.sum().clamp(min=1)
        return {"loss": flow, "flow": flow.detach()}

    def grid_target(self, batch: TraceBatch) -> GridTarget:
        """Increments on the grid: each cell takes the keypoint nearest to its grid point."""
        scale = torch.from_numpy(self.statistics.delta_scale).to(batch.future) / self.increment_scale
        increments, known_bqs = increments_of(batch.future * scale, batch.future_valid)
        known_bqs3 = known_bqs[..., None] & _known_axes(batch)[:, None, None]
        increments = torch.where(known_bqs3, increments, 0.0)
        is_query = batch.query_valid
        chosen = keypoint_of_cell(batch.anchor_uvz[..., :2], is_query, self.config.grid_size)
        known = place_on_grid(known_bqs3.float(), chosen) > 0
        if self.config.empty_cells == "absent":
            return GridTarget(place_on_grid(increments, chosen), known, chosen >= 0)
        filled = nearest_keypoint(batch.anchor_uvz[..., :2], is_query, self.config.grid_size)
        source = torch.where(chosen >= 0, chosen, filled)
        return GridTarget(place_on_grid(increments, source), known, torch.ones_like(chosen, dtype=torch.bool))

    # ------------------------------------------------------------------ the decoder, per solver step

    def velocity(
        self,
        tokens: Float[Tensor, "b k n f"],
        tau_bk: Float[Tensor, "b k"],
        condition: Condition,
        choice: PatchChoice,
        embedded: Float[Tensor, "b m w"] | None = None,
    ) -> Float[Tensor, "b k n f"]:
        """Velocity of the chosen tokens; `embedded` is the condition at the decoder's width, to reuse it."""
        n_draws = tokens.shape[1]
        seen = self.decoder.embed_condition(condition.tokens) if embedded is None else embedded
        positions = choice.gather(self.positions[None].expand(len(tokens), -1, -1, -1))
        mask = torch.cat([condition.mask, choice.token_mask(self.config.n_frames)], dim=1)
        spread = [
            part.repeat_interleave(n_draws, dim=0) if n_draws > 1 else part
            for part in (positions, seen, mask[:, None, None])
        ]
        visible = None if bool(mask.all()) else spread[2]
        flat = self.decoder(tokens.flatten(0, 1), spread[0], spread[1], tau_bk.flatten(), visible)
        return flat.unflatten(0, tuple(tokens.shape[:2]))

    def _tokens(self, cells: Float[Tensor, "b k cells step 3"], choice: PatchChoice) -> Tensor:
        """Values per cell -> chosen tokens (b, k, n, features)."""
        config, n_draws = self.config, cells.shape[1]
        patches = to_patches(
            cells.flatten(0, 1), config.grid_size, config.frames_in_channels, config.grid_patch
        )
        return choice.repeated(n_draws).gather(patches).unflatten(0, (-1, n_draws))

    # ------------------------------------------------------------------ inference

    @torch.no_grad()
    def sample(
        self,
        condition: Condition,
        occupied: Bool[Tensor, "b cells"],
        noise: Float[Tensor, "b k cells step 3"],
        n_steps: int | None = None,
    ) -> Float[Tensor, "b k cells step 3"]:
        """Increments in uv and metres; cells that are not occupied hold zeros.

        Args:
            condition: What `encode` made.
            occupied: Cells that take part; all of them where empty cells are not absent.
            noise: Where the solver starts; its draws are independent samples.
            n_steps: Euler steps; the config's when left out.
        """
        config, n_draws = self.config, noise.shape[1]
        if config.empty_cells != "absent":
            occupied = torch.ones_like(occupied)
        choice = choose_patches(occupied, config)
        is_cell = occupied[:, None, :, None, None].expand(noise.shape)
        held = self._tokens(is_cell.to(noise), choice)
        embedded = self.decoder.embed_condition(condition.tokens)

        def velocity(x: Tensor, tau: float) -> Tensor:
            times = torch.full(x.shape[:2], tau, device=x.device)
            return self.velocity(x, times, condition, choice, embedded) * held

        tokens = euler(velocity, self._tokens(noise, choice) * held, n_steps or config.euler_steps)
        patches = choice.repeated(n_draws).scatter(tokens.flatten(0, 1), config.n_frames, config.n_patches)
        cells = from_patches(patches, config.grid_size, config.frames_in_channels, config.grid_patch)
        return cells.unflatten(0, (-1, n_draws)) * self.increment_scale


def _known_axes(batch: TraceBatch) -> Bool[Tensor, "b 3"]:
    """Which of u, v, z each image supervises."""
    known = torch.ones(len(batch.image), 3, dtype=torch.bool, device=batch.image.device)
    if batch.has_depth_axis is not None:
        known[:, 2] = batch.has_depth_axis
    return known
