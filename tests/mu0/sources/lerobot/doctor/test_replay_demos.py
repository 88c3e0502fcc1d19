"""Replays: what the simulator recorded comes out again, a wrong label and a wrong scene are found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mu0.errors import SourceError
from mu0.sources.lerobot.dataset_v3 import DemonstrationEpisode
from mu0.sources.lerobot.layout import Layout, read_layout
from mu0.sources.lerobot.ur3_features import ur3_contents, ur3_episode
from mu0.sources.lerobot.writing_v3 import write_v3

pytest.importorskip("mujoco", reason="needs the simulator")

from mu0.envs.ur3.demonstrator import demonstrate
from mu0.envs.ur3.environment import Ur3Environment
from mu0.sources.lerobot.doctor.replay import replay_all

SCENE, VARIANT = 1003, 0


@pytest.fixture(scope="module")
def recorded() -> DemonstrationEpisode:
    """A disturbed demonstration, without pictures."""
    environment = Ur3Environment(render=False)
    environment.reset_variant(SCENE, VARIANT)
    states, actions = [], []
    for wanted, executed in demonstrate(environment, np.random.default_rng([SCENE, 2, VARIANT])):
        states.append(environment.state())
        actions.append(wanted.astype(np.float32))
        environment.advance(executed)
    assert environment.is_success()
    black = np.zeros((len(states), 16, 16, 3), np.uint8)
    return DemonstrationEpisode(black, black, np.stack(states), np.stack(actions), environment.instruction)


def dataset(root: Path, episode: DemonstrationEpisode, **facts: object) -> Layout:
    told = {"success": True, "scene_seed": SCENE, "variant": VARIANT, "unseen_objects": False} | facts
    whole = replace(ur3_episode(episode), facts={key: told[key] for key in told if told[key] is not None})
    write_v3(root, [whole], ur3_contents(10.0, "ur3e"))
    return read_layout(root)


@pytest.mark.slow
def test_an_episode_comes_out_as_it_was_recorded(recorded: DemonstrationEpisode, tmp_path: Path) -> None:
    [replayed] = replay_all(dataset(tmp_path / "set", recorded), {"episode_000000"})
    assert replayed.label
    assert replayed.ends_well
    assert replayed.actions_end_well
    assert replayed.start_off_cm == 0
    assert replayed.off_cm < 0.1
    assert list(replayed.findings()) == []


@pytest.mark.slow
def test_a_wrong_label_and_a_wrong_scene_are_unusable(recorded: DemonstrationEpisode, tmp_path: Path) -> None:
    [liar] = replay_all(dataset(tmp_path / "liar", recorded, success=False), {"episode_000000"})
    assert [finding.found for finding in liar.findings()] == [
        "its commands end in success, its label says failure",
        "its actions end in success, its label says failure",
    ]
    [lost] = replay_all(dataset(tmp_path / "lost", recorded, scene_seed=SCENE + 1), {"episode_000000"})
    [finding] = lost.findings()
    assert (finding.severity, finding.found.split(":")[-1]) == ("unusable", " another scene")


def test_a_dataset_that_tells_no_scene_is_refused(recorded: DemonstrationEpisode, tmp_path: Path) -> None:
    layout = dataset(tmp_path / "set", recorded, variant=None)
    with pytest.raises(SourceError, match=r"episode_000000 lacks variant[\s\S]*leave --replay out"):
        list(replay_all(layout, {"episode_000000"}))
