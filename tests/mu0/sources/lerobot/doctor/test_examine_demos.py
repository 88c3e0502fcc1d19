"""The doctor: nothing in a calm dataset, and each planted fault in the episode and at the row where it is."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import calm_dataset as calm
import numpy as np
import pytest

from mu0.sources.lerobot.doctor.examine import Examination, examine
from mu0.sources.lerobot.doctor.findings import WHOLE
from mu0.sources.lerobot.whole_episode import WholeEpisode

BAD = "episode_000001"


def told(examination: Examination) -> list[tuple[str, str, str]]:
    return [(finding.where, finding.check, finding.severity) for finding in examination.findings]


def with_changed(
    tmp_path: Path, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
) -> Examination:
    """A dataset whose episode 1 has other columns."""
    episodes = calm.calm_episodes()
    columns = change({name: column.copy() for name, column in episodes[1].columns.items()})
    length = len(columns["action"])
    frames: Any = episodes[1].videos[calm.TOP]
    longer = np.concatenate([frames, frames, frames])[:length]
    episodes[1] = WholeEpisode(columns, {calm.TOP: longer}, episodes[1].tasks, facts=episodes[1].facts)
    return examine(calm.write_calm(tmp_path / "set", "v3.0", episodes))


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path, version: str) -> None:
    examination = examine(calm.write_calm(tmp_path / "set", version))
    assert examination.findings == ()
    assert examination.left_out == {}
    assert list(examination.kept.values()) == [slice(0, calm.LENGTH)] * calm.N_EPISODES


@pytest.mark.parametrize(
    ("row", "value", "severity", "words"),
    [
        (7, 0.73, "mendable", "row 7 is 30.00 ms off"),
        (7, 0.55, "unusable", "does not go forward at row 7"),
        (7, float("nan"), "unusable", "time stamp of row 7 is no number"),
        (39, 5.0, "unusable", "1 gap(s); the longest is 1.200 s after row 38"),
    ],
)
def test_time_stamps(tmp_path: Path, row: int, value: float, severity: str, words: str) -> None:
    root = calm.write_calm(tmp_path / "set", "v3.0")
    calm.changed_column(root, "timestamp", row, value)
    examination = examine(root)
    assert told(examination) == [(BAD, "time", severity)]
    assert words in examination.findings[0].found
    assert examination.unusable == ([BAD] if severity == "unusable" else [])


def test_another_rate_than_the_dataset_says(tmp_path: Path) -> None:
    root = calm.write_calm(tmp_path / "set", "v3.0")
    path = root / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fps": 20}))
    examination = examine(root)
    assert len(examination.unusable) == calm.N_EPISODES
    assert any("run at 10 Hz, the dataset at 20" in finding.found for finding in examination.findings)


def test_a_video_that_ends_too_early(tmp_path: Path) -> None:
    root = calm.write_calm(tmp_path / "set", "v2.1")
    short = calm.write_calm(tmp_path / "short", "v2.1", [calm.calm_episode(1, 30)])
    name = "videos/chunk-000/{}/episode_{:06d}.mp4"
    (short / name.format(calm.TOP, 0)).replace(root / name.format(calm.TOP, 1))
    examination = examine(root)
    assert told(examination) == [(BAD, "frames", "unusable")]
    assert "30 frames for 40 rows" in examination.findings[0].found


def test_values_that_are_no_numbers_spoil_nothing_else(tmp_path: Path) -> None:
    root = calm.write_calm(tmp_path / "set", "v3.0")
    calm.changed_column(root, "action", 12, [0.0, float("nan"), 0.0, 1.0])
    examination = examine(root)
    assert told(examination) == [(BAD, "values", "unusable")]
    assert "first row 12, dimension 1" in examination.findings[0].found


def test_values_beyond_the_statistics(tmp_path: Path) -> None:
    root = calm.write_calm(tmp_path / "set", "v3.0")
    path = root / "meta/stats.json"
    statistics = json.loads(path.read_text())
    statistics["action"]["max"][2] -= 0.05
    path.write_text(json.dumps(statistics))
    examination = examine(root)
    assert told(examination) == [(WHOLE, "statistics", "mendable")]
    assert "action: max of dimension 2 is told as" in examination.findings[0].found


def test_statistics_of_an_episode_in_v21(tmp_path: Path) -> None:
    root = calm.write_calm(tmp_path / "set", "v2.1")
    path = root / "meta/episodes_stats.jsonl"
    lines = path.read_text().splitlines()
    line = json.loads(lines[1])
    line["stats"]["observation.state"]["mean"][0] += 1
    path.write_text("\n".join([lines[0], json.dumps(line), *lines[2:-1]]) + "\n")
    assert told(examine(root)) == [
        (BAD, "statistics", "mendable"),
        ("episode_000004", "statistics", "mendable"),
        ("episode_000004", "statistics", "mendable"),
    ]


def test_a_jump_is_found_at_its_row(tmp_path: Path) -> None:
    def jump(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        columns["observation.state"][20:, 1] += 0.4
        return columns

    findings = [f for f in with_changed(tmp_path, jump).findings if f.check == "jump"]
    assert [(f.where, f.severity) for f in findings] == [(BAD, "notice")]
    assert "1 jump(s); observation.state[1] changes by" in findings[0].found
    assert "after row 19" in findings[0].found


def test_idle_ends_are_measured_and_half_a_second_of_them_stays(tmp_path: Path) -> None:
    def wait(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {
            name: np.concatenate([column[:1].repeat(30, 0), column, column[-1:].repeat(20, 0)])
            for name, column in columns.items()
        }

    examination = with_changed(tmp_path, wait)
    assert told(examination) == [(BAD, "idle", "mendable")]
    kept = examination.kept[BAD]
    assert 30 - 5 <= kept.start <= 30
    assert 70 <= kept.stop <= 70 + 5


def test_an_episode_in_which_nothing_moves_is_unusable(tmp_path: Path) -> None:
    def stand(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: column[:1].repeat(calm.LENGTH, 0) for name, column in columns.items()}

    assert (BAD, "idle", "unusable") in told(with_changed(tmp_path, stand))


def test_a_shaking_hand_is_told_by_its_jerk(tmp_path: Path) -> None:
    def shake(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        columns["observation.state"][::2, 0] += 0.01
        return columns

    assert told(with_changed(tmp_path, shake)) == [(BAD, "jerk", "notice")]


def test_a_gripper_that_chatters(tmp_path: Path) -> None:
    def chatter(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        columns["action"][20:26, 3] = [0, 1, 0, 1, 0, 1]
        return columns

    [finding] = with_changed(tmp_path, chatter).findings
    assert (finding.where, finding.check, finding.severity) == (BAD, "gripper", "notice")
    assert finding.found.startswith("gripper changes 8 times, 6 times within 0.5 s")


def test_a_copy_and_a_fragment(tmp_path: Path) -> None:
    episodes = [*calm.calm_episodes(), calm.calm_episode(2), calm.calm_episode(7, 8), calm.calm_episode(8, 1)]
    examination = examine(calm.write_calm(tmp_path / "set", "v3.0", episodes))
    found = told(examination)
    assert ("episode_000005", "duplicate", "mendable") in found
    assert ("episode_000006", "length", "notice") in found
    assert ("episode_000007", "length", "unusable") in found
    assert set(examination.left_out) == {"episode_000005", "episode_000007"}


def test_a_dimension_that_never_changes(tmp_path: Path) -> None:
    episodes = calm.calm_episodes()
    for number, episode in enumerate(episodes):
        action = np.array(episode.columns["action"])
        action[:, 2] = 0.25
        episodes[number] = replace(episode, columns={**episode.columns, "action": action})
    [finding] = examine(calm.write_calm(tmp_path / "set", "v3.0", episodes)).findings
    assert (finding.where, finding.check, finding.found[-1]) == (WHOLE, "constant", "2")
