"""The baseline of "nothing moves": every keypoint stays where it is."""

from typing import final

import numpy as np

from mu0.baselines.repeat import repeat_samples
from mu0.interfaces import AbstractTracePredictor
from mu0.records import Observation, Queries, TraceSamples


@final
class StaticPredictor(AbstractTracePredictor):
    """Repeats the anchor; the floor that every method must beat on points that move."""

    name = "static"

    def __init__(self, future_len: int) -> None:
        self.future_len = future_len

    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        """The anchors, `future_len` times; image, text, history and seed are not looked at."""
        del observation, seed
        return repeat_samples(np.repeat(queries.anchor_uvz[:, None], self.future_len, axis=1), n_samples)
