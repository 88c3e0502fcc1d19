"""GL and ray casting agree, and the choice between them can be explained."""

import gc
import logging

import mujoco
import numpy as np
import pytest

from mu0.envs import rendering
from mu0.envs.gl_renderer import GlRenderer, _only_group
from mu0.envs.raycast_renderer import RaycastRenderer
from mu0.envs.rendering import RendererStatus, available_renderers, choose_renderer, open_renderer
from mu0.envs.system_libraries import EGL_PACKAGES, LIBRARIES, install_command
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


def test_falling_back_to_ray_casting_is_loud(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(
        rendering, "_probe", lambda name: RendererStatus(name, works=False, reason="no driver")
    )
    with caplog.at_level(logging.WARNING):
        assert choose_renderer() == "raycast"
    assert "NO GL ON THIS MACHINE (egl: no driver; osmesa: no driver)" in caplog.text
    assert "2 times slower" in caplog.text
    assert install_command() in caplog.text


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIBRARIES, "egl", ("libm.so.6", "libNowhere.so.0|libNothing.so.1"))
    rendering._probe.cache_clear()
    status = rendering._probe("egl")
    rendering._probe.cache_clear()
    assert not status.works
    assert status.reason == "libNowhere.so.0 or libNothing.so.1 is not on this machine"


def test_the_remedy_names_every_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for apt_get in ("/usr/bin/apt-get", None):
        monkeypatch.setattr("shutil.which", lambda _, found=apt_get: found)
        assert all(package in install_command() for package in EGL_PACKAGES)
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/apt-get")
    for user_id, sudo in ((0, ""), (1000, "sudo ")):
        monkeypatch.setattr("os.geteuid", lambda user=user_id: user)
        assert install_command().startswith(f"{sudo}apt-get update && {sudo}apt-get install -y ")


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


def test_drawing_the_backdrop_last_changes_no_pixel(environment: Ur3Environment) -> None:
    renderer = environment._renderer
    if not isinstance(renderer, GlRenderer):
        pytest.skip("no GL here")
    environment.reset(1003)
    for camera in (environment.front_camera(), environment.wrist_camera()):
        last = renderer.render(camera)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(renderer, "_front", mujoco.MjvOption())  # all groups in the order of the model
            patch.setattr(renderer, "_backdrop", _only_group(5))
            first = renderer.render(camera)
        for ours, theirs in zip(last, first, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("works_with", ["gl", "raycast"])
def test_colours_alone_are_those_of_render(works_with: str) -> None:
    environment = Ur3Environment(width_px=48, height_px=32)
    environment.reset(2)
    renderer = environment._renderer
    if works_with == "raycast":
        renderer = RaycastRenderer(environment.model, environment.data)
    assert renderer is not None
    cameras = (environment.front_camera(), environment.wrist_camera())
    both = [renderer.render(camera)[0] for camera in cameras]
    alone = [renderer.colours(camera) for camera in cameras]
    environment.close()
    for first, second in zip(both, alone, strict=True):
        assert first.std() > 0
        np.testing.assert_array_equal(first, second)


def test_a_renderer_that_is_dropped_takes_nothing_of_another_with_it() -> None:
    first = Ur3Environment(48)
    expected = first.reset(2)
    second = Ur3Environment(48)  # its context is the current one now
    del first
    gc.collect()
    found = second.reset(2)
    second.close()
    np.testing.assert_array_equal(found.image, expected.image)
    np.testing.assert_array_equal(found.depth_m, expected.depth_m)
