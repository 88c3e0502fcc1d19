"""A saved TraceGen as a trace predictor: any keypoints in, futures in absolute (u, v, z) out.

A keypoint takes the increments of its grid cell and adds them up from its own place, as the published code
does from its grid points; depth starts at the keypoint's own depth. The past of the keypoints is not used:
TraceGen has no input for it. It says nothing about where an event ends, so every step counts as certain.
"""

from pathlib import Path

import numpy as np
import torch

from mu0.baselines.tracegen.checkpoint import load_tracegen
from mu0.baselines.tracegen.condition import Condition
from mu0.baselines.tracegen.grid import cell_of
from mu0.baselines.tracegen.increments import trace_of
from mu0.baselines.tracegen.model import TraceGen
from mu0.interfaces import AbstractTracePredictor
from mu0.model.observation import check_question, depth_panel, picture
from mu0.records import Observation, Queries, TraceSamples


class TraceGenPredictor(AbstractTracePredictor):
    """TraceGen behind the interface that all methods share.

    Args:
        model: The trained model.
        n_steps: Euler steps; those of its config (100) when left out.
        use_depth: Whether a measured depth image may be looked at.
    """

    name = "tracegen"

    def __init__(self, model: TraceGen, *, n_steps: int | None = None, use_depth: bool = True) -> None:
        self.model = model.eval()
        self.n_steps = n_steps or model.config.euler_steps
        self.use_depth = use_depth

    @classmethod
    def from_folder(
        cls, folder: Path, *, n_steps: int | None = None, use_depth: bool = True
    ) -> "TraceGenPredictor":
        """The predictor of a checkpoint folder; offline."""
        return cls(load_tracegen(folder), n_steps=n_steps, use_depth=use_depth)

    @torch.no_grad()
    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        """Sample futures.

        Raises:
            PredictionError: There is no keypoint, or an anchor is not finite.
        """
        check_question(queries, n_samples)
        config = self.model.config
        n_cells = config.grid_size**2
        anchors = torch.from_numpy(queries.anchor_uvz).float()
        cells = cell_of(anchors[:, :2], config.grid_size)
        occupied = torch.zeros(1, n_cells, dtype=torch.bool)
        occupied[0, cells] = True
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(1, n_samples, n_cells, config.future_len, 3, generator=generator)
        device = self.model.positions.device
        grid = self.model.sample(
            self._condition(observation, device), occupied.to(device), noise.to(device), self.n_steps
        )
        uvz = anchors[None, :, None] + trace_of(grid[0, :, cells.to(device)].cpu())
        return TraceSamples(uvz.numpy(), np.ones(uvz.shape[:3]))

    def _condition(self, observation: Observation, device: torch.device) -> Condition:
        size_px = self.model.config.image_size_px
        image = picture(observation.image, size_px).to(device)
        panel = depth_panel(observation, self.model.statistics, size_px) if self.use_depth else None
        return self.model.encode(
            image, [observation.instruction], None if panel is None else panel.to(device)
        )
