"""Raw waypoints: known steps stay, gaps are straight lines, the end rests."""

import torch

from mu0.geometry.waypoints import WaypointFit, fill_gaps

STEPS = torch.arange(1, 9, dtype=torch.float64)[:, None].expand(8, 3)


def test_complete_traces_are_their_own_waypoints() -> None:
    traces = torch.randn(4, 32, 3, generator=torch.Generator().manual_seed(0))
    points, enough = WaypointFit(32, limit=None)(traces, torch.ones(4, 32, dtype=torch.bool))
    assert torch.equal(points, traces)
    assert enough.all()


def test_a_straight_motion_survives_gaps_and_a_missing_start() -> None:
    valid = torch.tensor([0, 0, 1, 0, 0, 1, 1, 1], dtype=torch.bool)
    poisoned = STEPS.masked_fill(~valid[:, None], torch.nan)
    torch.testing.assert_close(fill_gaps(poisoned, valid), STEPS)


def test_after_the_last_known_step_the_trace_rests() -> None:
    filled = fill_gaps(STEPS, torch.arange(8) < 3)
    assert filled[:, 0].tolist() == [1, 2, 3, 3, 3, 3, 3, 3]


def test_nothing_known_is_nothing_learned() -> None:
    points, enough = WaypointFit(8, min_steps=4)(STEPS, torch.arange(8) < 3)
    assert not enough
    assert (points == 0).all()
    assert (fill_gaps(STEPS, torch.zeros(8, dtype=torch.bool)) == 0).all()


def test_values_are_limited() -> None:
    points, _ = WaypointFit(8, min_steps=4, limit=1.5)(STEPS, torch.ones(8, dtype=torch.bool))
    assert points.max() == 1.5
