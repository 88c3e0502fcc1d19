"""Baselines: stay, or go on in a straight line; exact on such motion, unmoved without a past."""

import numpy as np

from mu0.baselines.constant_velocity import ConstantVelocityPredictor
from mu0.baselines.static import StaticPredictor
from mu0.records import Observation, Queries

SEEN = Observation(image=np.zeros((4, 4, 3), np.uint8), instruction="")
ANCHOR = np.array([[0.1, 0.2, 0.5], [-0.3, 0.0, 1.0]])
STEP = np.array([[0.01, -0.02, 0.005], [0.0, 0.1, 0.0]])
PAST = ANCHOR[:, None] - np.arange(8, 0, -1)[:, None] * STEP[:, None]
FUTURE = ANCHOR[:, None] + np.arange(1, 33)[:, None] * STEP[:, None]


def test_static_repeats_the_anchor_in_every_sample() -> None:
    samples = StaticPredictor(32).predict(SEEN, Queries(ANCHOR), n_samples=3, seed=0)
    assert samples.uvz.shape == (3, 2, 32, 3)
    np.testing.assert_array_equal(samples.uvz, np.broadcast_to(ANCHOR[:, None], (3, 2, 32, 3)))
    assert (samples.valid_probability == 1).all()


def test_constant_velocity_is_exact_on_straight_motion() -> None:
    for n_steps in (1, 4, 8):
        samples = ConstantVelocityPredictor(32, n_steps).predict(SEEN, Queries(ANCHOR, PAST), 2, 0)
        np.testing.assert_allclose(samples.uvz[1], FUTURE, atol=1e-12)


def test_unknown_steps_cut_the_past_short() -> None:
    past = PAST.copy()
    past[:, 5] = np.nan  # three steps before the anchor; what is older does not count either
    past[:, :5] += 7
    samples = ConstantVelocityPredictor(32, 8).predict(SEEN, Queries(ANCHOR, past), 1, 0)
    np.testing.assert_allclose(samples.uvz[0], FUTURE, atol=1e-12)


def test_without_a_past_constant_velocity_equals_static() -> None:
    static = StaticPredictor(32).predict(SEEN, Queries(ANCHOR), 1, 0)
    unknown = np.full_like(PAST, np.nan)
    for history in (None, unknown, PAST[:, :0]):
        moving = ConstantVelocityPredictor(32).predict(SEEN, Queries(ANCHOR, history), 1, 0)
        np.testing.assert_array_equal(moving.uvz, static.uvz)
