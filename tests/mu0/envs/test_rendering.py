"""GL and ray casting agree, and the choice between them can be explained."""

import numpy as np
import pytest

from mu0.envs.raycast_renderer import RaycastRenderer
from mu0.envs.rendering import available_renderers, choose_renderer, open_renderer
from mu0.envs.ur3.environment import Ur3Environment
from mu0.errors import SimulationError


def test_the_ray_caster_is_always_available_and_last() -> None:
    statuses = available_renderers()
    assert [status.name for status in statuses] == ["egl", "osmesa", "raycast"]
    assert statuses[-1].works
    assert all(status.works or status.reason for status in statuses)


def test_the_users_choice_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "off")
    assert choose_renderer() == "raycast"
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    assert choose_renderer() == "glfw"


def test_an_unknown_renderer_is_an_error_with_a_remedy(blind_environment: Ur3Environment) -> None:
    with pytest.raises(SimulationError, match=r"(?s)'vulkan' does not work.*unset MUJOCO_GL"):
        open_renderer(blind_environment.model, blind_environment.data, width_px=8, height_px=8, name="vulkan")


def test_ray_cast_depth_agrees_with_gl(environment: Ur3Environment) -> None:
    observation = environment.reset(3)
    ray = RaycastRenderer(environment.model, environment.data)
    image, depth_m = ray.render(environment.front_camera())
    assert observation.depth_m is not None
    error_m = np.abs(depth_m - observation.depth_m)
    assert np.median(error_m) < 1e-3
    assert np.mean(error_m > 0.01) < 0.05  # pixels on edges
    assert image.std() > 10


def test_the_table_top_is_where_the_depth_says(environment: Ur3Environment) -> None:
    observation = environment.reset(3)
    camera = environment.front_camera()
    point = np.array([[0.45, -0.1, 0.0]])
    pixels, depth_m = camera.project(point)
    column, row = np.rint(pixels[0]).astype(int)
    assert observation.depth_m is not None
    slope_m = 0.02  # a pixel covers this much depth on the slanted table
    assert abs(float(observation.depth_m[row, column]) - depth_m[0]) < slope_m
