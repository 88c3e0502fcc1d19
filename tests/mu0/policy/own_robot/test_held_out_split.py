"""No row is both learnt from and asked about, and what was held out is told in words."""

import pytest

from mu0.errors import PolicyError
from mu0.policy.own_robot.held_out import Segment, split_episodes


def test_whole_episodes_are_held_out_by_a_seed() -> None:
    split = split_episodes([50] * 20, 8, 0.1, 3)
    assert len(split.held_out) == 2
    assert {one.episode for one in split.train} | {one.episode for one in split.held_out} == set(range(20))
    assert not {one.episode for one in split.train} & {one.episode for one in split.held_out}
    assert all((one.first, one.end) == (0, 50) for one in (*split.train, *split.held_out))
    assert split == split_episodes([50] * 20, 8, 0.1, 3)
    assert split != split_episodes([50] * 20, 8, 0.1, 4)


@pytest.mark.parametrize("share", [0.0, 0.9])
def test_of_two_episodes_one_is_learnt_from_and_one_is_held_out(share: float) -> None:
    split = split_episodes([50, 60], 8, share, 0)
    assert (len(split.train), len(split.held_out)) == (1, 1)


def test_of_one_episode_the_end_is_held_out_and_told() -> None:
    split = split_episodes([100], 8, 0.1, 0)
    assert split.train == (Segment(0, 0, 80),)
    assert split.held_out == (Segment(0, 80, 100),)
    assert "rows 80 to 99 of the only usable episode" in split.how


def test_nothing_usable_is_refused() -> None:
    with pytest.raises(PolicyError, match="no usable episode"):
        split_episodes([], 8, 0.1, 0)


def test_held_out_episodes_shorter_than_a_window_are_refused() -> None:
    with pytest.raises(PolicyError, match="has 8 rows; a window takes 9"):
        split_episodes([8, 8], 8, 0.1, 0)
