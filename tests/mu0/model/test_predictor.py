"""The predictor: absolute traces from images of any size, seeded, with history and depth only where known."""

from collections.abc import Callable

import numpy as np
import pytest

from mu0.errors import PredictionError
from mu0.model.predictor import TracePredictor
from mu0.model.world_model import TraceWorldModel
from mu0.records import Observation, Queries

Build = Callable[..., TraceWorldModel]
RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (48, 100, 3), dtype=np.uint8)
ANCHORS = RNG.uniform(-0.5, 0.5, (4, 3))
PAST = RNG.uniform(-0.5, 0.5, (4, 8, 3))


def test_equal_seeds_give_equal_samples_of_the_right_shape(build: Build) -> None:
    predictor, observation = TracePredictor(build()), Observation(IMAGE, "open the drawer")
    first, again, other = (predictor.predict(observation, Queries(ANCHORS), 3, seed) for seed in (0, 0, 1))
    assert first.uvz.shape == (3, 4, 32, 3)
    assert first.valid_probability.shape == (3, 4, 32)
    np.testing.assert_array_equal(first.uvz, again.uvz)
    assert np.abs(first.uvz - other.uvz).max() > 1e-4
    assert ((first.valid_probability > 0) & (first.valid_probability < 1)).all()


def test_traces_move_with_their_anchors_depth(build: Build) -> None:
    """The z of the anchor is no input: shifting it shifts the trace and nothing else."""
    predictor, observation = TracePredictor(build()), Observation(IMAGE, "open the drawer")
    near = predictor.predict(observation, Queries(ANCHORS), 1, 0).uvz
    far = predictor.predict(observation, Queries(ANCHORS + np.array([0, 0, 1.0])), 1, 0).uvz
    np.testing.assert_allclose(far - near, np.broadcast_to([0, 0, 1.0], near.shape), atol=1e-5)


def test_history_is_used_unless_it_is_unknown_or_switched_off(build: Build) -> None:
    predictor, observation = TracePredictor(build()), Observation(IMAGE, "open the drawer")
    blind = predictor.predict(observation, Queries(ANCHORS), 1, 0).uvz
    seeing = predictor.predict(observation, Queries(ANCHORS, PAST), 1, 0).uvz
    unknown = predictor.predict(observation, Queries(ANCHORS, np.full_like(PAST, np.nan)), 1, 0).uvz
    switched_off = predictor.without_history().predict(observation, Queries(ANCHORS, PAST), 1, 0).uvz
    assert np.abs(seeing - blind).max() > 1e-4
    np.testing.assert_array_equal(unknown, blind)
    np.testing.assert_array_equal(switched_off, blind)


def test_depth_is_optional_and_used(build: Build) -> None:
    predictor = TracePredictor(build())
    depth_m = RNG.uniform(0.5, 2.0, (48, 100))
    without = predictor.predict(Observation(IMAGE, ""), Queries(ANCHORS), 1, 0).uvz
    with_depth = predictor.predict(Observation(IMAGE, "", depth_m), Queries(ANCHORS), 1, 0).uvz
    assert np.abs(with_depth - without).max() > 1e-5


def test_unusable_queries_are_explained(build: Build) -> None:
    predictor, observation = TracePredictor(build()), Observation(IMAGE, "")
    with pytest.raises(PredictionError, match=r"0 keypoints and 2 samples"):
        predictor.predict(observation, Queries(ANCHORS[:0]), 2, 0)
    bad = ANCHORS.copy()
    bad[2, 2] = np.nan
    with pytest.raises(PredictionError, match=r"anchor of keypoint 2 is .*nan.*\n.*z in metres"):
        predictor.predict(observation, Queries(bad), 2, 0)
