"""The time grid: the asked rate is the kept rate, even recordings stay as they are, gaps repeat frames."""

import numpy as np
import pytest

from mu0.errors import SourceError
from mu0.sources.containers.timing import even_indices, grid_indices


@pytest.mark.parametrize("own_hz", [30.0, 25.0, 15.0, 12.5, 24.0, 5.0, 29.97])
def test_the_kept_rate_is_the_asked_one(own_hz: float) -> None:
    asked_hz, n_expected = 10.0, 100
    n_frames = round(10 * own_hz)  # ten seconds
    picked = even_indices(n_frames, own_hz, asked_hz)
    assert abs(len(picked) - n_expected) <= 1
    off_s = np.abs(picked / own_hz - np.arange(len(picked)) / asked_hz)
    assert off_s.max() <= 0.5 / own_hz + 1e-9
    assert (np.diff(picked) >= 0).all()


def test_twenty_five_asked_as_ten_takes_steps_of_two_and_three() -> None:
    assert even_indices(13, 25.0, 10.0).tolist() == [0, 3, 5, 8, 10, 12]
    assert set(np.diff(even_indices(250, 25.0, 10.0)).tolist()) == {2, 3}


@pytest.mark.parametrize("rate_hz", [10.0, 23.976, 29.97, 60.0])
def test_an_even_recording_at_the_asked_rate_stays_as_it_is(rate_hz: float) -> None:
    np.testing.assert_array_equal(even_indices(97, rate_hz, rate_hz), np.arange(97))
    np.testing.assert_array_equal(even_indices(97, rate_hz, None), np.arange(97))


def test_uneven_times_are_put_on_the_grid() -> None:
    times_s = np.array([0.0, 0.1, 0.2, 0.6, 0.7])
    assert grid_indices(times_s, 10.0).tolist() == [0, 1, 2, 2, 3, 3, 3, 4]
    np.testing.assert_array_equal(grid_indices(times_s + 1000, 10.0), grid_indices(times_s, 10.0))


def test_short_recordings_keep_what_they_have() -> None:
    assert grid_indices(np.array([5.0]), 10.0).tolist() == [0]
    assert grid_indices(np.zeros(0), 10.0).tolist() == []


def test_a_broken_clock_is_named_instead_of_a_million_copies() -> None:
    with pytest.raises(SourceError, match=r"jumps from 0\.100 s to 90000\.000 s at frame 2\."):
        grid_indices(np.array([0.0, 0.1, 90000.0]), 10.0)
    with pytest.raises(SourceError, match=r"jumps from 5\.000 s to 0\.000 s at frame 1\."):
        grid_indices(np.array([5.0, 0.0, 5.1]), 10.0)
