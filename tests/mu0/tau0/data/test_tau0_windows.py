"""Windows: what follows a moment, what is not real, what may be learned; and batches of them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mu0.errors import DatasetError
from mu0.tau0.data.collect import read_tables
from mu0.tau0.data.mixture import ROLES, Mixture, Role
from mu0.tau0.data.scene_files import scene_numbers, scene_pictures
from mu0.tau0.data.windows import Tau0Windows, WindowKey

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def windows(tau0_folder: Path) -> Tau0Windows:
    return Tau0Windows(tau0_folder, "train")


def place_of(windows: Tau0Windows, kind: str) -> int:
    return int(np.flatnonzero(windows.recordings["kind"] == kind)[0])


def test_a_window_holds_what_follows_its_moment(windows: Tau0Windows, tau0_folder: Path) -> None:
    place = place_of(windows, "demonstration")
    told = windows.recordings.iloc[place]
    scene = tau0_folder / "scenes" / told["scene_id"]
    window = windows.window(WindowKey(place, 7))
    first = told["first_row"] + 7
    numbers = scene_numbers(scene)
    np.testing.assert_array_equal(window.state, numbers["state"][first])
    np.testing.assert_array_equal(window.wanted, numbers["wanted"][first : first + 16])
    seen = scene_pictures(scene, "front")[first : first + 17 : 2]
    np.testing.assert_array_equal(window.pictures["front"], seen)
    labels = read_tables(tau0_folder).frames.set_index(["scene_id", "recording", "frame"])["overall"]
    after = [labels[told["scene_id"], told["recording"], frame] for frame in range(8, 24)]
    np.testing.assert_allclose(window.progress, after, atol=1e-6)
    assert window.is_frame_real.all()
    assert window.is_row_real.all()


def test_either_label_may_be_asked_for(windows: Tau0Windows, tau0_folder: Path) -> None:
    place = place_of(windows, "demonstration")
    released = Tau0Windows(tau0_folder, "train", label="released").window(WindowKey(place, 0))
    overall = windows.window(WindowKey(place, 0))
    assert released.progress is not None
    assert overall.progress is not None
    np.testing.assert_allclose((1 + released.progress) / 3 - 1, overall.progress, atol=1e-6)


def test_behind_the_end_nothing_is_real(windows: Tau0Windows) -> None:
    place = place_of(windows, "demonstration")
    n_frames = int(windows.recordings.iloc[place]["n_frames"])
    window = windows.window(WindowKey(place, n_frames - 4))
    assert window.is_row_real.tolist() == [True] * 3 + [False] * 13
    assert window.is_frame_real.tolist() == [True] * 2 + [False] * 7
    assert (window.pictures["front"][2:] == window.pictures["front"][-1]).all()
    assert window.wanted is not None
    assert (window.wanted[3:] == window.wanted[-1]).all()
    with pytest.raises(DatasetError, match="begins with frame"):
        windows.window(WindowKey(place, n_frames - 1))


@pytest.mark.parametrize(
    ("kind", "views", "cloned", "conditions"),
    [
        ("demonstration", {"front", "wrist"}, 1.0, True),
        ("fault", {"front", "wrist"}, 0.0, True),
        ("branch", {"front", "wrist"}, 0.0, True),
        ("umi", {"wrist"}, 0.5, False),
        ("hand", {"front"}, 0.0, False),
    ],
)
def test_what_may_be_learned_from_each_kind(
    windows: Tau0Windows, kind: str, views: set[str], cloned: float, conditions: bool
) -> None:
    window = windows.window(WindowKey(place_of(windows, kind), 0))
    facts = window.supervised
    assert set(window.pictures) == set(facts.views) == views
    assert (facts.cloned, facts.conditions) == (cloned, conditions)
    assert facts.progress == (window.progress is not None) == conditions
    assert (window.wanted is None) == (kind == "hand")


def test_a_batch_follows_from_seed_and_step_and_every_role_is_there(windows: Tau0Windows) -> None:
    mixture = Mixture(windows)
    assert mixture.draw(3, 8) == Mixture(windows).draw(3, 8)
    assert mixture.draw(3, 8) != mixture.draw(3, 9)
    drawn = mixture.draw(0, 0)
    assert len(drawn) == sum(role.count for role in ROLES) == 16
    assert Counter(each.mode for each in drawn) == {"act": 6, "imagine": 8, "watch": 2}
    for each in drawn:
        facts = windows.supervised(each.key.place)
        assert each.mode != "act" or facts.cloned > 0
        assert each.mode != "imagine" or facts.conditions
        assert 0 <= each.key.start < windows.n_starts(each.key.place)


def test_windows_of_a_role_are_equally_likely(windows: Tau0Windows) -> None:
    mixture = Mixture(windows, [Role("imagine", ("demonstration", "branch"), 4000)])
    places = [drawn.key.place for drawn in mixture.draw(0, 0)]
    starts = {place: windows.n_starts(place) for place in set(places)}
    for place, n_starts in starts.items():
        share = n_starts / sum(starts.values())
        assert abs(places.count(place) / 4000 - share) < 4 * np.sqrt(share / 4000)


def test_a_role_without_windows_is_taken_by_the_first_one(windows: Tau0Windows) -> None:
    mixture = Mixture(windows, [ROLES[0], Role("watch", ("nothing",), 2)])
    assert Counter(each.mode for each in mixture.draw(0, 0)) == {"act": 7}
    with pytest.raises(DatasetError, match="no nothing in this split"):
        Mixture(windows, [Role("act", ("nothing",), 2)])
