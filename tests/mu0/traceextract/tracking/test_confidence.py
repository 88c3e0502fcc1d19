"""Confidence: situations are told apart, the table is monotone, the fit finds the shares it was given."""

import numpy as np

from mu0.traceextract.tracking import confidence as c


def test_every_row_of_the_table_is_a_probability_that_follows_the_evidence() -> None:
    assert ((c.TABLE >= 0) & (c.TABLE <= 1)).all()
    steps = np.diff(c.TABLE, axis=1)
    assert (steps[c.GROWS_WITH_EVIDENCE] >= 0).all()
    assert (steps[~c.GROWS_WITH_EVIDENCE] <= 0).all()


def test_situation_and_evidence_of_a_body_point_that_is_seen_hidden_and_bridged() -> None:
    agrees = np.array([[True], [True], [False], [False], [False]])
    visible = np.array([[True], [True], [True], [False], [False]])
    known = np.array([[True], [True], [True], [True], [False]])
    body, world = np.array([True]), np.array([False])
    situation, evidence = c.situations(body, world, agrees, visible, known)
    assert situation[:, 0].tolist() == [
        c.BODY_MEASURED, c.BODY_MEASURED, c.BODY_IN_VIEW, c.BODY_HIDDEN, c.BODY_BRIDGED,
    ]  # fmt: skip
    assert evidence[:, 0].tolist() == [2, 2, 2, 2, 1]
    assert (c.confidence(situation, evidence)[:2] > 0.8).all()


def test_a_loose_point_is_trusted_less_the_longer_it_is_unseen() -> None:
    visible = np.zeros((40, 1), bool)
    visible[0] = True
    nothing = np.array([False])
    situation, evidence = c.situations(nothing, nothing, visible, visible, visible)
    assert situation[:, 0].tolist() == [c.LOOSE_SEEN] + [c.LOOSE_UNSEEN] * 39
    assert evidence[:, 0].tolist() == [1, *range(1, 40)]
    assert (np.diff(c.confidence(situation, evidence)[1:, 0]) <= 0).all()


def test_frames_to_the_nearest_true() -> None:
    mask = np.array([[False, True, False, False, False, True], [False] * 6]).T
    assert c.frames_to(mask)[:, 0].tolist() == [1, 0, 1, 2, 1, 0]
    assert (c.frames_to(mask)[:, 1] == 6).all()


def test_pooling_makes_a_sequence_rise_and_keeps_its_mean() -> None:
    pooled = c.pool_adjacent_violators(np.array([0.2, 0.6, 0.4, 0.9]), np.array([1.0, 1.0, 3.0, 1.0]))
    np.testing.assert_allclose(pooled, [0.2, 0.45, 0.45, 0.9])


def test_the_fit_finds_the_shares_of_many_observations() -> None:
    rng = np.random.default_rng(0)
    wanted = np.sort(rng.random(c.TABLE.shape), 1)
    wanted[~c.GROWS_WITH_EVIDENCE] = wanted[~c.GROWS_WITH_EVIDENCE, ::-1]
    cell = np.repeat(np.arange(c.TABLE.size), 4000)
    found = c.fit_table(cell, rng.random(len(cell)) < wanted.ravel()[cell])
    np.testing.assert_allclose(found, wanted, atol=0.03)


def test_a_pixel_is_trusted_where_it_was_seen_and_less_the_farther_from_there() -> None:
    seen = np.zeros((40, 1), bool)
    seen[:5] = True
    trust = c.pixel_confidence(seen, np.ones_like(seen))[:, 0]
    assert (trust[:5] > 0.9).all()
    assert (np.diff(trust[5:]) <= 0).all()
    assert trust[5] < trust[0]
