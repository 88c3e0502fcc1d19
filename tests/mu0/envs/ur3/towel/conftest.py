"""One world with a towel per test session."""

from collections.abc import Iterator

import pytest

from mu0.envs.ur3.towel.towel_environment import TowelEnvironment


@pytest.fixture(scope="session")
def towel() -> TowelEnvironment:
    return TowelEnvironment(render=False)


@pytest.fixture(scope="session")
def seen_towel() -> Iterator[TowelEnvironment]:
    world = TowelEnvironment(64)
    yield world
    world.close()
