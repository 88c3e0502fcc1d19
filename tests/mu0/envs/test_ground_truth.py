"""Exact tracks lie on what the camera sees, and follow their bodies."""

import numpy as np

from mu0.envs.camera import Camera
from mu0.envs.depth_sensor import sense_depth
from mu0.envs.entities import TARGET
from mu0.envs.ground_truth import TruthRecorder, _draw, is_visible
from mu0.envs.tabletop import entity_of_geoms
from mu0.envs.ur3.environment import Ur3Environment


def test_a_point_is_visible_only_in_the_picture_and_on_the_surface() -> None:
    camera = Camera(np.eye(4), 5, 5, 5.0)
    points = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.1], [0.0, 0.0, -1.0], [2.0, 0.0, 1.0]])
    assert is_visible(points, camera, np.ones((5, 5))).tolist() == [True, False, False, False]


def test_the_target_is_tracked_to_where_it_is(environment: Ur3Environment) -> None:
    observation = environment.reset(3)
    entities = entity_of_geoms(environment.model, environment.layout, environment.target)
    recorder = TruthRecorder(environment.model, entities, np.random.default_rng(0))
    assert observation.depth_m is not None
    recorder.look(environment.data, environment.front_camera(), observation.depth_m)
    environment.data.joint(environment.target.kind).qpos[2] += 0.1
    observation = environment.step(environment.command.copy())[0]
    recorder.look(environment.data, environment.front_camera(), observation.depth_m)
    tracks = recorder.finish()
    of_target = tracks.entity == TARGET
    centre_m = tracks.points_world[0, of_target].mean(axis=0)
    assert np.linalg.norm(centre_m[:2] - environment.target.xy_m) < 0.03
    assert tracks.visible[0, of_target].mean() > 0.2
    assert not tracks.is_moving[tracks.entity == 0].any()


def test_sensed_depth_is_noisy_whole_millimetres_within_range() -> None:
    exact = np.full((64, 64), 1.0, np.float32)
    exact[0] = 9.0
    sensed = sense_depth(exact, np.random.default_rng(0))
    assert np.all(sensed[0] == 0)
    millimetres = sensed[1:] * 1000
    np.testing.assert_allclose(millimetres, np.rint(millimetres), atol=1e-3)
    assert 0.0015 < sensed[1:].std() < 0.0025  # 1.2 mm + 1.9 mm x 0.36


def test_a_draw_by_shares_is_the_one_that_numpy_makes() -> None:
    ours, numpys = np.random.default_rng(5), np.random.default_rng(5)
    for shares in np.random.default_rng(6).dirichlet(np.ones(3), 200):
        assert _draw(ours, shares) == numpys.choice(3, p=shares)
    assert ours.random() == numpys.random()
