"""Keypoints go where the model says that something moves."""

from collections.abc import Sequence

import numpy as np
import pytest

from mu0.inference import likely
from mu0.inference.batch import Ask
from mu0.inference.likely import likely_points
from mu0.model.predictor import TracePredictor
from mu0.records import Observation, TraceSamples

RED, GREEN, RADIUS_PX = (30, 25), (95, 30), 11
SIZE_PX = np.array([150, 100])


def says(monkeypatch: pytest.MonkeyPatch, inside: float, outside: float) -> None:
    """A model that gives the red and the green disc one probability and all else another."""

    def answer(
        predictor: TracePredictor, asks: Sequence[Ask], n_samples: int, seed: int
    ) -> list[TraceSamples]:
        uv = asks[0].queries.anchor_uvz[:, :2]
        pixel = (uv + 1) / 2 * SIZE_PX
        on_disc = np.min([np.linalg.norm(pixel - centre, axis=1) for centre in (RED, GREEN)], 0) <= RADIUS_PX
        moves = np.where(on_disc, inside, outside)
        return [TraceSamples(np.zeros((1, len(uv), 2, 3)), np.ones((1, len(uv), 2)), moves)]

    monkeypatch.setattr(likely, "predict_batch", answer)


def test_points_go_where_something_moves(
    monkeypatch: pytest.MonkeyPatch, predictor: TracePredictor, blobs: np.ndarray
) -> None:
    says(monkeypatch, 0.9, 0.1)
    points = likely_points(predictor, Observation(blobs, "go"), 4, 24, 0)
    off = np.stack([np.linalg.norm(points - centre, axis=1) for centre in (RED, GREEN)])
    assert (off.min(0) <= RADIUS_PX).all()
    assert (off <= RADIUS_PX).any(1).all()
    assert 8 <= len(points) <= 24


def test_where_nothing_moves_the_likeliest_are_asked_about(
    monkeypatch: pytest.MonkeyPatch, predictor: TracePredictor, blobs: np.ndarray
) -> None:
    says(monkeypatch, 0.3, 0.1)
    points = likely_points(predictor, Observation(blobs, "go"), 4, 24, 0)
    off = np.stack([np.linalg.norm(points - centre, axis=1) for centre in (RED, GREEN)])
    assert len(points) == 4
    assert (off.min(0) <= RADIUS_PX).all()


def test_if_everything_moves_points_go_everywhere(
    monkeypatch: pytest.MonkeyPatch, predictor: TracePredictor, blobs: np.ndarray
) -> None:
    says(monkeypatch, 0.9, 0.9)
    points = likely_points(predictor, Observation(blobs, "go"), 8, 24, 0)
    assert len(points) == 24
    assert np.linalg.norm(points - RED, axis=1).max() > 4 * RADIUS_PX
