"""gymnasium's own checker is content; rewards, ends and seeds are as the module says."""

from collections.abc import Iterator

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from mu0.envs.ur3.gymnasium_env import Ur3GymnasiumEnvironment, vectorised
from mu0.envs.ur3.tasks import TASKS
from mu0.errors import SimulationError


@pytest.fixture(scope="module")
def environment() -> Iterator[Ur3GymnasiumEnvironment]:
    made = Ur3GymnasiumEnvironment("pick", 64, with_depth=True, render_mode="rgb_array", horizon_steps=3)
    yield made
    made.close()


def hold(environment: Ur3GymnasiumEnvironment) -> np.ndarray:
    return environment.world.command.astype(np.float32)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*recommend using a symmetric and normalized space")  # ours is metric
@pytest.mark.parametrize("name", TASKS)
def test_gymnasium_finds_no_fault(name: str) -> None:
    made = gymnasium.make(
        TASKS[name].gymnasium_id, image_size_px=64, with_depth=True, render_mode="rgb_array"
    )
    check_env(made.unwrapped)
    assert made.spec is not None
    made.close()


def test_a_seed_is_the_scene_of_that_number(environment: Ur3GymnasiumEnvironment) -> None:
    seen, info = environment.reset(seed=5, options={"variant": 1})
    assert environment.world.episode.seed == 5
    assert environment.world.episode.variant == 1
    assert info["instruction"] == environment.world.instruction
    assert seen in environment.observation_space
    first = environment.reset()[0], environment.world.episode.seed
    environment.reset(seed=5)
    again = environment.reset()[0], environment.world.episode.seed
    assert first[1] == again[1] != 5
    np.testing.assert_array_equal(first[0]["front"], again[0]["front"])


def test_an_episode_is_truncated_at_the_horizon(environment: Ur3GymnasiumEnvironment) -> None:
    environment.reset(seed=1)
    ends = [environment.step(hold(environment))[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]


def test_success_is_rewarded_once_and_ends_the_episode(environment: Ur3GymnasiumEnvironment) -> None:
    environment.reset(seed=1)
    _, reward, terminated, _, info = environment.step(hold(environment))
    assert (reward, terminated, info["success"], info["score"]) == (0.0, False, False, 0.0)
    world = environment.world
    world.was_lifted = True
    joint = world.data.joint(world.target.kind)
    joint.qpos[:3], joint.qvel[:] = [*world.layout.sink_xy_m, 0.045], 0
    _, reward, terminated, _, info = environment.step(hold(environment))
    assert (reward, terminated, info["success"], info["score"]) == (1.0, True, True, 1.0)


def test_rendering_shows_front_and_wrist(environment: Ur3GymnasiumEnvironment) -> None:
    seen, _ = environment.reset(seed=2)
    picture = environment.render()
    assert picture is not None
    np.testing.assert_array_equal(picture[:, :64], seen["front"])
    np.testing.assert_array_equal(picture[:, 64:], seen["wrist"])


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(SimulationError, match="no task 'juggle'"):
        Ur3GymnasiumEnvironment("juggle")


@pytest.mark.slow
def test_several_at_once_see_what_each_would_see_alone(environment: Ur3GymnasiumEnvironment) -> None:
    together = vectorised("pick", 2, image_size_px=64)
    seen, _ = together.reset(seed=[3, 4])
    after, *_ = together.step(seen["state"][:, :5])
    together.close()
    for place, seed in enumerate((3, 4)):
        environment.reset(seed=seed)
        alone = environment.step(hold(environment))[0]
        np.testing.assert_array_equal(after["front"][place], alone["front"])
        np.testing.assert_array_equal(after["state"][place], alone["state"])


def test_a_step_asks_once_for_success_and_score(
    environment: Ur3GymnasiumEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.reset(seed=5)
    asked: list[str] = []

    def answer(name: str, value: float) -> float:
        asked.append(name)
        return value

    monkeypatch.setattr(environment.world, "is_success", lambda: answer("success", value=False))
    monkeypatch.setattr(environment.world, "score", lambda: answer("score", 0.25))
    info = environment.step(hold(environment))[4]
    assert sorted(asked) == ["score", "success"]
    assert (info["success"], info["score"]) == (False, 0.25)
    assert info["instruction"] == environment.world.instruction
