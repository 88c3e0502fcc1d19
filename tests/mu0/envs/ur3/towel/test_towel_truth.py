"""Exact tracks on cloth: points lie in it, and unfolding moves and shows what was folded."""

import numpy as np
import pytest

from mu0.envs.entities import TARGET
from mu0.envs.ground_truth import GroundTruthTracks, TruthRecorder
from mu0.envs.ur3.towel.towel_environment import TowelEnvironment
from mu0.envs.ur3.towel.unfolding import demonstrate_unfolding


def look(world: TowelEnvironment, recorder: TruthRecorder) -> None:
    depth_m = world.observe().depth_m
    assert depth_m is not None
    recorder.look(world.data, world.front_camera(), depth_m)


def truth_of(world: TowelEnvironment, n_steps: int) -> tuple[GroundTruthTracks, np.ndarray]:
    """Tracks of the beginning and of the moment `n_steps` later, and which are the towel's."""
    recorder = TruthRecorder(
        world.model, world.entity_of_geoms(), np.random.default_rng(0), entity_of_cloth={0: TARGET}
    )
    world.reset(3)
    look(world, recorder)
    for _, (_, _, executed) in zip(range(n_steps), demonstrate_unfolding(world), strict=False):
        world.advance(executed)
    look(world, recorder)
    tracks = recorder.finish()
    return tracks, tracks.entity == TARGET


def test_points_of_the_towel_lie_in_it_and_are_seen(seen_towel: TowelEnvironment) -> None:
    tracks, of_towel = truth_of(seen_towel, 1)
    points = tracks.points_world[0, of_towel]
    corners = seen_towel.points_m()
    assert np.all(points >= corners.min(axis=0) - 0.002)
    assert np.all(points <= corners.max(axis=0) + 0.002)
    assert tracks.visible[0, of_towel].mean() > 0.5
    assert not tracks.is_moving[of_towel].any()


@pytest.mark.slow
def test_the_layer_below_is_hidden_until_the_towel_is_open(seen_towel: TowelEnvironment) -> None:
    tracks, of_towel = truth_of(seen_towel, 300)
    first_m, last_m = tracks.points_world[:, of_towel]
    was_seen, is_seen = tracks.visible[:, of_towel]
    was_upper = first_m[:, 2] > 0.008
    assert was_upper.any()
    assert tracks.is_moving[of_towel][was_upper].mean() > 0.9
    assert np.linalg.norm(last_m - first_m, axis=1)[was_upper].mean() > 0.08
    assert was_seen[was_upper].mean() > 0.8
    assert is_seen.mean() > 0.8
