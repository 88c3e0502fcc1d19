"""A saved world model as a trace predictor: any image size in, futures in absolute (u, v, z) out.

The prefix is encoded once; all samples of all keypoints run through the expert together. Equal seeds give
equal samples. History and depth are optional, and hidden from the model where they are missing.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mu0.dataset.store import rays_of
from mu0.interfaces import AbstractTracePredictor
from mu0.model.backbone import Prefix
from mu0.model.checkpoint import load_checkpoint
from mu0.model.corruption import NEUTRAL_INSTRUCTION
from mu0.model.guidance import Guidance
from mu0.model.observation import check_question, depth_panel, picture
from mu0.model.settling import RESTS_BELOW, settled
from mu0.model.suffix import Keypoints
from mu0.model.world_model import TraceWorldModel
from mu0.records import Observation, Queries, TraceSamples


class TracePredictor(AbstractTracePredictor):
    """μ0 behind the interface that the baselines share.

    Args:
        model: The world model.
        use_history: Whether the past of the keypoints may be looked at.
        use_depth: Whether a measured depth image may be looked at.
        guidance_scale: How strongly traces follow the instruction; 1 is unguided, None is the model's own.
        rests_below: Keypoints that move with a smaller probability stay where they are; 0 lets all of them
            move, as models without a probability do.
    """

    def __init__(
        self,
        model: TraceWorldModel,
        *,
        use_history: bool = True,
        use_depth: bool = True,
        guidance_scale: float | None = None,
        rests_below: float = RESTS_BELOW,
    ) -> None:
        self.model = model.eval()
        self.rests_below = rests_below
        self.use_history = use_history
        self.use_depth = use_depth
        self.guidance_scale = model.config.guidance_scale if guidance_scale is None else guidance_scale
        self.name = "mu0" if use_history else "mu0_no_history"

    @classmethod
    def from_folder(
        cls,
        folder: Path,
        *,
        use_history: bool = True,
        use_depth: bool = True,
        guidance_scale: float | None = None,
        rests_below: float = RESTS_BELOW,
    ) -> "TracePredictor":
        """The predictor of a checkpoint folder; offline."""
        return cls(
            load_checkpoint(folder),
            use_history=use_history,
            use_depth=use_depth,
            guidance_scale=guidance_scale,
            rests_below=rests_below,
        )

    @property
    def knows_what_moves(self) -> bool:
        """Whether answers come with P(moves)."""
        return self.model.moves_head is not None

    @torch.no_grad()
    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        """Sample futures.

        Raises:
            PredictionError: There is no keypoint, or an anchor is not finite.
        """
        check_question(queries, n_samples)
        model = self.model
        n_queries = len(queries.anchor_uvz)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(1, n_samples, n_queries, model.config.n_control_points, 3, generator=generator)
        prefix = self._prefix(observation, observation.instruction)
        guidance = self._guidance(observation)
        futures = model.sample(prefix, self.keypoints(observation, queries), noise, guidance)
        moves = None if futures.moves is None else futures.moves[0]
        return self.answer(queries, futures.points[0], futures.done_logits[0], moves)

    def answer(
        self,
        queries: Queries,
        points: Float[Tensor, "s q d 3"],
        done_logits: Float[Tensor, "s q step"],
        moves: Float[Tensor, " q"] | None,
    ) -> TraceSamples:
        """What was sampled for one question, in its units; what rests stays."""
        scale = torch.from_numpy(self.model.statistics.delta_scale)
        anchors = torch.from_numpy(queries.anchor_uvz).float()[None, :, None]
        uvz = settled(self.model.render(points) * scale, moves, self.rests_below) + anchors
        likely = None if moves is None else moves.numpy()
        return TraceSamples(uvz.numpy(), done_logits.sigmoid().numpy(), likely)

    def _guidance(self, observation: Observation) -> Guidance | None:
        """The view without an instruction, where it makes a difference."""
        if self.guidance_scale == 1 or not observation.instruction.strip():
            return None
        return Guidance(self._prefix(observation, NEUTRAL_INSTRUCTION), self.guidance_scale)

    def _prefix(self, observation: Observation, instruction: str) -> Prefix:
        size_px = self.model.config.image_size_px
        image = picture(observation.image, size_px)
        panel = depth_panel(observation, self.model.statistics, size_px) if self.use_depth else None
        return self.model.encode_prefix(image, [instruction], panel)

    def keypoints(self, observation: Observation, queries: Queries) -> Keypoints:
        """The question as the model reads it: history relative to anchors; unknown steps hide their token."""
        anchors = torch.from_numpy(queries.anchor_uvz).float()
        rays = _rays(observation)
        history_len = self.model.config.history_len
        past = queries.history_uvz
        if past is None or past.shape[1] < history_len or not self.use_history:
            return self.model.keypoints(anchors[None], rays=rays)
        recent = torch.from_numpy(past[:, -history_len:]).float()
        valid = torch.isfinite(recent).all(-1)
        relative = torch.where(valid[..., None], recent - anchors[:, None], 0.0)
        return self.model.keypoints(anchors[None], relative[None], valid[None], rays=rays)

    def without_history(self) -> "TracePredictor":
        """The same model, blind to the past."""
        return TracePredictor(
            self.model,
            use_history=False,
            use_depth=self.use_depth,
            guidance_scale=self.guidance_scale,
            rests_below=self.rests_below,
        )


def _rays(observation: Observation) -> Float[Tensor, "1 2 2"] | None:
    """The rays of the observation's camera, where it is known."""
    if observation.intrinsics is None:
        return None
    height, width = observation.image.shape[:2]
    return torch.from_numpy(rays_of(observation.intrinsics.astype(np.float64), (height, width)))[None]
