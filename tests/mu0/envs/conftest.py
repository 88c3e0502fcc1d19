"""One world per test session: compiling and opening a renderer costs more than most tests."""

from collections.abc import Iterator

import pytest

from mu0.envs.hand import HandScene
from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.pour.environment import PourEnvironment


@pytest.fixture(scope="session")
def environment() -> Iterator[Ur3Environment]:
    world = Ur3Environment(64)
    yield world
    world.close()


@pytest.fixture(scope="session")
def blind_environment() -> Ur3Environment:
    return Ur3Environment(render=False)


@pytest.fixture(scope="session")
def pouring() -> PourEnvironment:
    """Without pictures, and with few almonds, which are fast."""
    return PourEnvironment(render=False, n_almonds=12)


@pytest.fixture(scope="session")
def hand_scene() -> Iterator[HandScene]:
    scene = HandScene(64, 64)
    yield scene
    scene.renderer.close()
