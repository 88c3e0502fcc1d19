"""The stage trace_dataset: its files, equal bytes from equal inputs, a clear end without episodes."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from assets_defs.trace_dataset.stage import main
from mu0.errors import DatasetError, StageError
from mu0.files import read_json, sha256_of_tree
from tests.mu0.dataset.tiny_dataset import make_tiny_dataset

SECTION = {"history_len": 4, "future_len": 12, "min_future_steps": 5}
PROFILE = Path(__file__).parents[3] / "profiles" / "smoke.yaml"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tiny = make_tiny_dataset(tmp_path / "data")
    tiny.quality.to_parquet(tmp_path / "data/extracted_traces/quality.parquet")
    params = yaml.safe_load(PROFILE.read_text()) | {"trace_dataset": SECTION}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_writes_index_episodes_statistics_and_summary(project: Path) -> None:
    main()
    folder = project / "data/trace_dataset"
    assert sorted(path.name for path in folder.iterdir()) == [
        "episodes.parquet", "index.parquet", "normalizer_stats.json", "summary.json",
    ]  # fmt: skip
    summary = read_json(folder / "summary.json")
    assert summary["unused"] == {"not extracted: failed": 1}
    assert summary["n_slots"] == len(pd.read_parquet(folder / "index.parquet")) == 27
    assert len(pd.read_parquet(folder / "episodes.parquet")) == 10


def test_equal_inputs_give_equal_bytes(project: Path) -> None:
    main()
    first = sha256_of_tree(project / "data/trace_dataset")
    main()
    assert sha256_of_tree(project / "data/trace_dataset") == first


def test_without_quality_table_or_usable_episode_it_says_so(project: Path) -> None:
    table = project / "data/extracted_traces/quality.parquet"
    pd.read_parquet(table).assign(status="failed").to_parquet(table)
    with pytest.raises(DatasetError, match="10 x not extracted: failed"):
        main()
    table.unlink()
    with pytest.raises(StageError, match=r"quality\.parquet is missing"):
        main()
