"""A saved tokenised VLM as a trace predictor: any image size in, absolute (u, v, z) out.

The prefix is encoded once; all samples of all keypoints are decoded together, in pieces of `MOST_ROWS` traces
so that memory does not grow with the question. Equal seeds give equal samples. The past of keypoints is not
looked at.
"""

from pathlib import Path
from typing import final

import numpy as np
import torch

from mu0.baselines.token_vlm.checkpoint import load_token_vlm
from mu0.baselines.token_vlm.model import TokenVlm
from mu0.baselines.token_vlm.waypoints import interpolate_probability, interpolate_waypoints
from mu0.dataset.depth_colour import colour_depth
from mu0.errors import PredictionError
from mu0.interfaces import AbstractTracePredictor
from mu0.model.backbone import Prefix
from mu0.model.predictor import image_tensor, resize
from mu0.records import Observation, Queries, TraceSamples

MOST_ROWS = 2048


@final
class TokenVlmPredictor(AbstractTracePredictor):
    """The tokenised VLM behind the interface that all methods share.

    Args:
        model: The trained model.
        use_depth: Whether a measured depth image may be looked at.
        temperature: Of sampling; that of the checkpoint's config when left out.
    """

    name = "token_vlm"

    def __init__(self, model: TokenVlm, *, use_depth: bool = True, temperature: float | None = None) -> None:
        self.model = model.eval()
        self.use_depth = use_depth
        self.temperature = model.config.temperature if temperature is None else temperature

    @classmethod
    def from_folder(cls, folder: Path, *, use_depth: bool = True) -> "TokenVlmPredictor":
        """The predictor of a checkpoint folder; offline."""
        return cls(load_token_vlm(folder), use_depth=use_depth)

    @torch.no_grad()
    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        """Sample futures; every sample is drawn alike, the first too.

        Raises:
            PredictionError: There is no keypoint, or an anchor is not finite.
        """
        anchors = queries.anchor_uvz
        if not len(anchors) or n_samples < 1 or not np.isfinite(anchors).all():
            raise PredictionError(
                f"{len(anchors)} keypoints, {np.isfinite(anchors).all(-1).sum()} of them finite, and "
                f"{n_samples} samples were asked for.",
                expected="at least one of each, and finite u, v in [-1, 1] and z in metres (0 where unknown)",
                remedy="give keypoints with positions, for example a grid over the image.",
            )
        config = self.model.config
        generator = torch.Generator().manual_seed(seed)
        draws = torch.rand(n_samples, len(anchors), config.n_tokens, generator=generator).flatten(0, 1)[None]
        uv = torch.from_numpy(anchors[:, :2]).float().repeat(n_samples, 1)[None]
        prefix = self._prefix(observation)
        pieces = [
            self.model.sample(prefix, uv_piece, draws_piece, self.temperature)
            for uv_piece, draws_piece in zip(
                torch.split(uv, MOST_ROWS, dim=1), torch.split(draws, MOST_ROWS, dim=1), strict=True
            )
        ]
        points, reached = (torch.cat(part, dim=1)[0] for part in zip(*pieces, strict=True))
        n_steps = config.backbone.future_len
        scale = torch.from_numpy(self.model.statistics.delta_scale).float()
        moved = interpolate_waypoints(points, n_steps).unflatten(0, (n_samples, -1)) * scale
        uvz = torch.from_numpy(anchors).float()[None, :, None] + moved
        valid = interpolate_probability(reached, n_steps).unflatten(0, (n_samples, -1))
        return TraceSamples(uvz.numpy(), valid.numpy())

    def _prefix(self, observation: Observation) -> Prefix:
        size_px = self.model.config.backbone.image_size_px
        image = resize(image_tensor(observation.image), size_px)
        panel = None
        log_range = self.model.statistics.depth_log_range
        if self.use_depth and observation.depth_m is not None and log_range is not None:
            coloured = torch.from_numpy(colour_depth(observation.depth_m, log_range))
            panel = resize(coloured.permute(2, 0, 1)[None].float(), size_px)
        return self.model.encode_prefix(image, [observation.instruction], panel)
