"""A project folder that was moved or copied finds its artifacts beside its database."""

from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from assets_defs.tracking_store.opening import open_store
from assets_defs.tracking_store.relocation import follow_the_folder, new_place


def log_something(folder: Path) -> str:
    """A run with one artifact; its id."""
    (folder / "note.txt").write_text("kept")
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(folder / "note.txt"))
    return run.info.run_id


@pytest.mark.parametrize("copied", [False, True])
def test_artifacts_follow(store: Path, monkeypatch: pytest.MonkeyPatch, *, copied: bool) -> None:
    open_store("mu0")
    run_id = log_something(store.parent)
    new = store.parent.with_name("moved")
    if copied:
        import shutil

        shutil.copytree(store.parent, new)
    else:
        store.parent.rename(new)
    monkeypatch.chdir(new)
    uri = f"sqlite:///{new}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    identity = open_store("mu0")
    assert MlflowClient().get_experiment(identity).artifact_location == str(new / "mlruns" / identity)
    assert MlflowClient().get_run(run_id).info.artifact_uri == str(
        new / "mlruns" / identity / run_id / "artifacts"
    )
    path = Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="note.txt"))
    assert path.read_text() == "kept"
    assert follow_the_folder(uri) == 0, "the second look finds nothing to do"
    assert store.parent.exists() == copied, "the old folder is not made again"


@pytest.mark.parametrize(
    "location", ["s3://bucket/mlruns/1", "mlflow-artifacts:/1", "relative/mlruns/1", "/big/disk/1"]
)
def test_what_is_not_ours_stays(tmp_path: Path, location: str) -> None:
    assert new_place(location, tmp_path, is_experiment=True) is None


def test_a_store_on_purpose_elsewhere_stays(tmp_path: Path) -> None:
    elsewhere = tmp_path / "big_disk/mlruns/1"
    elsewhere.mkdir(parents=True)
    assert new_place(str(elsewhere), tmp_path / "project", is_experiment=True) is None
    (tmp_path / "big_disk/mlflow.db").touch()  # another project
    home = tmp_path / "project"
    assert new_place(str(elsewhere), home, is_experiment=True) == str(home / "mlruns/1")
    assert new_place(str(elsewhere), home, is_experiment=False) is None, "its files are not here"


def test_a_server_or_a_new_store_is_left_alone(tmp_path: Path) -> None:
    assert follow_the_folder("http://127.0.0.1:5000") == 0
    assert follow_the_folder(f"sqlite:///{tmp_path}/mlflow.db") == 0
    assert list(tmp_path.iterdir()) == []
