"""Each episode that cannot be used is told with its reason, and the others are used."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mu0.errors import PolicyError
from mu0.policy.own_robot.reading import read_own_dataset, with_pictures
from tests.mu0.policy.own_robot.robots import CAMERAS, set_vectors, swing, write_robot
from tests.mu0.sources.lerobot import lerobot_layouts as layouts

N = 12


def data_file(root: Path, episode: int) -> Path:
    return root / f"data/chunk-000/episode_{episode:06d}.parquet"


def video_file(root: Path, episode: int, camera: str = CAMERAS[0]) -> Path:
    return root / f"videos/chunk-000/{camera}/episode_{episode:06d}.mp4"


@pytest.mark.parametrize("version", ["v2.0", "v2.1", "v3.0"])
@pytest.mark.parametrize(("n_joints", "n_cameras"), [(6, 1), (7, 2), (14, 3)])
def test_states_actions_and_pictures_of_every_camera_are_read(
    tmp_path: Path, version: str, n_joints: int, n_cameras: int
) -> None:
    root = write_robot(tmp_path / "data", version, [N, N + 2], n_joints, n_cameras)
    found = with_pictures(read_own_dataset(root), [16] * n_cameras, tmp_path / "cache")
    assert (found.lengths, found.firsts, found.unusable) == ([N, N + 2], [0, N], {})
    assert [view.shape for view in found.pictures] == [(2 * N + 2, 16, 16, 3)] * n_cameras
    for phase, one in enumerate(found.episodes):
        state, action = swing(len(one.state), n_joints, phase)
        np.testing.assert_array_equal(one.state, state)
        np.testing.assert_array_equal(one.action, action)
    assert [one.instruction for one in found.episodes] == list(layouts.TASKS)


def test_reasons_are_told_per_episode_and_the_others_are_used(tmp_path: Path) -> None:
    root = write_robot(tmp_path / "data", "v2.1", [N] * 7, n_cameras=2)
    state, action = swing(N, 7, 0)
    broken = action.copy()
    broken[3:5, 2] = np.nan
    set_vectors(data_file(root, 0), state, broken)
    data_file(root, 1).unlink()
    table = pq.read_table(data_file(root, 2))
    late = table["timestamp"].to_numpy() + 0.5 * (np.arange(N) > 4)
    number = table.schema.get_field_index("timestamp")
    pq.write_table(table.set_column(number, "timestamp", [late.astype(np.float32)]), data_file(root, 2))
    images = [layouts.picture(3, number) for number in range(N - 2)]
    layouts.encode(video_file(root, 3, CAMERAS[1]), images)
    pq.write_table(pq.read_table(data_file(root, 4)).drop_columns("observation.state"), data_file(root, 4))
    video_file(root, 5).write_bytes(b"no video")
    found = read_own_dataset(root)
    told = found.unusable
    assert [one.episode.name for one in found.episodes] == ["episode_000006"]
    assert "action with NaN or infinity in 2 of 12 rows, first in row 3" in told["episode_000000"]
    assert "missing" in told["episode_000001"]
    assert "a gap of 0.600 s behind row 4" in told["episode_000002"]
    assert f"10 frames of {CAMERAS[1]} for 12 rows" in told["episode_000003"]
    assert "no column observation.state" in told["episode_000004"]
    assert "episode_000005" in told["episode_000005"]


def test_pictures_that_cannot_be_decoded_cost_their_episode_only(tmp_path: Path) -> None:
    root = write_robot(tmp_path / "data", "v2.1", [N, N])
    content = bytearray(video_file(root, 0).read_bytes())
    place = content.index(b"mdat") + 200
    content[place : place + 4000] = b"\xff" * len(content[place : place + 4000])
    whole = read_own_dataset(root)
    video_file(root, 0).write_bytes(bytes(content[: video_file(root, 0).stat().st_size]))
    found = with_pictures(whole, [16], tmp_path / "cache")
    assert [one.episode.name for one in found.episodes] == ["episode_000001"]
    assert list(found.unusable) == ["episode_000000"]
    assert len(found.pictures[0]) == N


def test_rows_of_another_size_are_another_robot(tmp_path: Path) -> None:
    root = write_robot(tmp_path / "data", "v2.1", [N, N])
    set_vectors(data_file(root, 1), *swing(N, 6, 0))
    assert "6 states and 6 actions, the episodes before it 7 and 7" in str(read_own_dataset(root).unusable)


def test_pictures_are_decoded_once_for_equal_bytes(tmp_path: Path) -> None:
    root = write_robot(tmp_path / "data", "v2.1", [N, N])
    first = with_pictures(read_own_dataset(root), [16], tmp_path / "cache")
    again = with_pictures(read_own_dataset(root), [16], tmp_path / "cache")
    assert first.key == again.key
    (root / "meta/more.json").write_text(json.dumps({"changed": True}))
    assert with_pictures(read_own_dataset(root), [16], tmp_path / "cache").key != first.key
    assert isinstance(again.pictures[0], np.memmap)


def test_cameras_are_chosen_and_ordered_by_a_person(tmp_path: Path) -> None:
    root = write_robot(tmp_path / "data", "v2.1", [N], n_cameras=3)
    assert read_own_dataset(root).cameras == (CAMERAS[0], CAMERAS[2], CAMERAS[1])
    assert read_own_dataset(root, [CAMERAS[2]]).cameras == (CAMERAS[2],)
    with pytest.raises(PolicyError, match=r"asked for were nowhere"):
        read_own_dataset(root, ["nowhere"])
