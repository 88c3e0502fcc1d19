"""A repaired dataset has no fault left that can be mended, and tells what was done; its source stays."""

import json
from pathlib import Path

import calm_dataset as calm
import numpy as np
import pyarrow.parquet as pq
import pytest

from mu0.errors import SourceError
from mu0.files import sha256_of_tree
from mu0.sources.lerobot.doctor.examine import examine
from mu0.sources.lerobot.doctor.repair import RECORD, repair
from mu0.sources.lerobot.whole_episode import WholeEpisode


def waiting(number: int) -> WholeEpisode:
    """An episode with three idle seconds before and two after it."""
    calm_one = calm.calm_episode(number)
    columns = {
        name: np.concatenate([column[:1].repeat(30, 0), column, column[-1:].repeat(20, 0)])
        for name, column in calm_one.columns.items()
    }
    columns["next.done"] = np.arange(90) == 89
    grey = (2 * np.arange(90)).astype(np.uint8)
    frames = np.broadcast_to(grey[:, None, None, None], (90, 16, 32, 3)).copy()
    return WholeEpisode(columns, {calm.TOP: frames}, calm_one.tasks, facts={"success": True})


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """Jitter in episode 0, NaN in 1, wrong statistics, idle ends in 5, and a copy of 2."""
    episodes = [*calm.calm_episodes(), waiting(5), calm.calm_episode(2)]
    root = calm.write_calm(tmp_path / "set", "v3.0", episodes)
    calm.changed_column(root, "timestamp", 7, 0.73, episode=0)
    calm.changed_column(root, "action", 12, [0.0, float("nan"), 0.0, 1.0], episode=1)
    path = root / "meta/stats.json"
    path.write_text(path.read_text().replace('"mean"', '"average"'))
    return root


def test_what_can_be_mended_is_mended(faulty: Path, tmp_path: Path) -> None:
    before = sha256_of_tree(faulty)
    done = repair(examine(faulty), tmp_path / "mended")
    assert sha256_of_tree(faulty) == before
    again = examine(tmp_path / "mended")
    assert again.findings == ()
    assert (done.n_episodes, set(done.left_out), set(done.cut)) == (
        5, {"episode_000001", "episode_000006"}, {"episode_000005"},
    )  # fmt: skip
    assert json.loads((tmp_path / "mended" / RECORD).read_text())["rows_kept"] == {
        "episode_000005": list(done.cut["episode_000005"])
    }


def test_rows_and_labels_are_those_of_the_source(faulty: Path, tmp_path: Path) -> None:
    done = repair(examine(faulty), tmp_path / "mended")
    rows = pq.read_table(tmp_path / "mended/data/chunk-000/file-000.parquet").to_pydict()
    first, last = done.cut["episode_000005"]
    sources = [calm.calm_episode(0), *(calm.calm_episode(n) for n in (2, 3, 4)), waiting(5)]
    kept = [slice(None)] * 4 + [slice(first, last)]
    expected = np.concatenate([e.columns["action"][k] for e, k in zip(sources, kept, strict=True)])
    np.testing.assert_array_equal(np.array(rows["action"], np.float32), expected)
    assert [i for i, done in enumerate(rows["next.done"]) if done] == [39, 79, 119, 159, len(expected) - 1]
    episodes = pq.read_table(tmp_path / "mended/meta/episodes/chunk-000/file-000.parquet").to_pydict()
    assert episodes["success"] == [True, True, False, True, True]
    assert episodes["length"] == [40, 40, 40, 40, last - first]


def test_nothing_is_written_over(faulty: Path, tmp_path: Path) -> None:
    examination = examine(faulty)
    for goal in (tmp_path, faulty / "mended"):
        with pytest.raises(SourceError, match=r"exists|lies inside"):
            repair(examination, goal)


def test_nothing_to_keep_is_an_error(tmp_path: Path) -> None:
    root = calm.write_calm(tmp_path / "set", "v3.0", [calm.calm_episode(0)])
    calm.changed_column(root, "action", 3, [float("inf")] * 4, episode=0)
    with pytest.raises(SourceError, match="None of the 1 episodes"):
        repair(examine(root), tmp_path / "mended")
    assert not (tmp_path / "mended").exists()
