"""A saved tokenised VLM as a trace predictor: any image size in, absolute (u, v, z) out.

The prefix is encoded once; all samples of all keypoints are decoded together, in pieces of `MOST_ROWS` traces
so that memory does not grow with the question. Equal seeds give equal samples. The past of keypoints is not
looked at.
"""

from pathlib import Path
from typing import final

import torch

from mu0.baselines.token_vlm.checkpoint import load_token_vlm
from mu0.baselines.token_vlm.model import TokenVlm
from mu0.baselines.token_vlm.waypoints import interpolate_probability, interpolate_waypoints
from mu0.interfaces import AbstractTracePredictor
from mu0.model.backbone import Prefix
from mu0.model.observation import check_question, depth_panel, picture
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
        check_question(queries, n_samples)
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
        image = picture(observation.image, size_px)
        panel = depth_panel(observation, self.model.statistics, size_px) if self.use_depth else None
        return self.model.encode_prefix(image, [observation.instruction], panel)
