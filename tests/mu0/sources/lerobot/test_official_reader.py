"""LeRobot's own reader opens what is written here: rows, times, pictures, texts and windows are the same.

LeRobot wants other versions of torch and numpy, so it is not among the dependencies: this runs where it is
installed beside mu0's library (docs/demonstrations.md says how). 0.4 and later read v3.0, 0.3 reads v2.1.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mu0.sources.lerobot.dataset_v3 import ACTION, FRONT, STATE, WRIST, DemonstrationEpisode
from mu0.sources.lerobot.export import export_dataset
from mu0.sources.lerobot.ur3_features import OUTCOME_COLUMNS, outcome_columns, ur3_contents, ur3_episode
from mu0.sources.lerobot.whole_episode import WholeEpisode
from mu0.sources.lerobot.writing_v3 import write_v3

lerobot = pytest.importorskip(
    "lerobot.datasets.lerobot_dataset", reason="lerobot is not installed here", exc_type=ImportError
)
READS = str(lerobot.CODEBASE_VERSION)
LENGTHS = (7, 5, 9)
FPS = 10
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # its warnings are its own


def demonstration(number: int) -> DemonstrationEpisode:
    length, rng = LENGTHS[number], np.random.default_rng(number)
    grey = np.arange(length, dtype=np.uint8) * 8 + 40 * number
    frames = np.broadcast_to(grey[:, None, None, None], (length, 32, 48, 3)).copy()
    state, action = (rng.normal(size=(length, n)).astype(np.float32) for n in (9, 5))
    return DemonstrationEpisode(frames, frames[:, :16, :32], state, action, f"task {number % 2}")


DEMONSTRATIONS = [demonstration(number) for number in range(len(LENGTHS))]


def labelled(number: int) -> WholeEpisode:
    plain, success = ur3_episode(DEMONSTRATIONS[number]), number != 2
    outcome = outcome_columns(LENGTHS[number], success=success)
    facts = {"success": success, "scene_seed": 1000 + number, "variant": 0, "unseen_objects": False}
    return WholeEpisode(plain.columns | outcome, plain.videos, plain.tasks, facts=facts)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("official")
    write_v3(folder / "v3.0", map(labelled, range(3)), ur3_contents(float(FPS), "ur3e", OUTCOME_COLUMNS))
    if READS == "v2.1":
        export_dataset(folder / "v3.0", folder / READS, READS)
    return folder / READS


def opened(root: Path, **options: Any) -> Any:
    return lerobot.LeRobotDataset("mu0/test", root=root, video_backend="pyav", **options)


def test_every_frame_is_the_one_that_was_written(root: Path) -> None:
    dataset = opened(root)
    assert (len(dataset), dataset.num_episodes, dataset.fps) == (sum(LENGTHS), 3, FPS)
    row = 0
    for number, demo in enumerate(DEMONSTRATIONS):
        for step in range(LENGTHS[number]):
            item = dataset[row]
            np.testing.assert_array_equal(item[STATE].numpy(), demo.state[step])
            np.testing.assert_array_equal(item[ACTION].numpy(), demo.action[step])
            assert float(item["timestamp"]) == np.float32(step / FPS)
            assert (int(item["episode_index"]), int(item["frame_index"])) == (number, step)
            assert item["task"] == demo.instruction
            for key, frames in ((FRONT, demo.front), (WRIST, demo.wrist)):
                found = 255 * item[key].numpy().transpose(1, 2, 0)
                np.testing.assert_allclose(found, frames[step].astype(float), atol=4)
            is_last = step == LENGTHS[number] - 1
            assert bool(item["next.done"]) == is_last
            assert bool(item["next.success"]) == (is_last and number != 2)
            row += 1


def test_windows_of_actions_end_with_the_episode(root: Path) -> None:
    dataset = opened(root, delta_timestamps={ACTION: [0.0, 0.1, 0.2]})
    item = dataset[LENGTHS[0] - 2]
    assert item["action_is_pad"].tolist() == [False, False, True]
    expected = DEMONSTRATIONS[0].action[[-2, -1, -1]]
    np.testing.assert_array_equal(item[ACTION].numpy(), expected)


def test_statistics_are_those_of_the_data(root: Path) -> None:
    statistics = opened(root).meta.stats
    action = np.concatenate([demo.action for demo in DEMONSTRATIONS]).astype(np.float64)
    np.testing.assert_allclose(statistics[ACTION]["mean"], action.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(statistics[ACTION]["max"], action.max(axis=0), rtol=1e-6)
    assert np.shape(statistics[FRONT]["mean"]) == (3, 1, 1)


def test_labels_are_in_the_episode_table(root: Path) -> None:
    episodes = opened(root).meta.episodes
    assert [bool(episodes[number]["success"]) for number in range(3)] == [True, True, False]
    assert [int(episodes[number]["scene_seed"]) for number in range(3)] == [1000, 1001, 1002]
