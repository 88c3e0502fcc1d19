"""One toy world per test, one camera for all of them."""

from collections.abc import Callable

import numpy as np
import pytest

from mu0.envs.camera import Camera, focal_from_fov_px, look_at
from mu0.trace_policy.policy import TracePolicy
from mu0.trace_policy.sources import AbstractTraceSource
from mu0.trace_policy.ur3 import read_ur3, ur3_embodiment
from mu0.trace_policy.view import CalibratedView
from tests.mu0.trace_policy.toy_world import ToyWorld


@pytest.fixture
def toy_world() -> ToyWorld:
    return ToyWorld()


@pytest.fixture(scope="session")
def toy_view() -> CalibratedView:
    pose = look_at(np.array([0.92, 0.0, 0.52]), np.array([0.26, 0.05, 0.07]))
    camera = Camera(pose, 64, 64, focal_from_fov_px(47.0, 64))
    return CalibratedView(camera.camera_from_world, camera.intrinsics, 64, 64)


@pytest.fixture
def make_policy(toy_view: CalibratedView) -> Callable[..., TracePolicy]:
    def make(
        source: AbstractTraceSource, view: CalibratedView | None = toy_view, **options: object
    ) -> TracePolicy:
        return TracePolicy(source, ur3_embodiment(), read_ur3, lambda: view, **options)  # type: ignore[arg-type]

    return make
