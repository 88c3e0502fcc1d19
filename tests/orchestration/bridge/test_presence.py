"""What dvc.lock records is not made until it lies on this disk: fresh clones, partial ones, lost data."""

import shutil
from collections.abc import Iterator

import dagster as dg
import pytest
from toy_project import run_dvc

from orchestration.bridge import presence
from orchestration.bridge.definitions import build_definitions
from orchestration.bridge.lock import read_lock
from orchestration.bridge.presence import not_here
from orchestration.bridge.project import Project
from orchestration.bridge.sync import sync

ASSETS = ("numbers", "squares", "total")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def made(instance: dg.DagsterInstance) -> set[str]:
    return {name for name in ASSETS if instance.get_latest_materialization_event(dg.AssetKey(name))}


def evaluated(instance: dg.DagsterInstance) -> bool:
    key = dg.AssetCheckKey(dg.AssetKey("numbers"), "check_numbers")
    return bool(instance.event_log_storage.get_latest_asset_check_execution_by_key([key]))


def lose_everything(project: Project) -> None:
    """What a fresh clone lacks: everything that git does not hold."""
    for folder in ("data", "reports", "inbox"):
        shutil.rmtree(project.root / folder)


def test_a_fresh_clone_shows_nothing_as_made(toy: Project, instance: dg.DagsterInstance) -> None:
    lose_everything(toy)
    assert sync(instance, toy) == []
    assert made(instance) == set()
    assert not evaluated(instance)
    assert not_here(toy, read_lock(toy.root, toy.pipeline)) == dict.fromkeys(ASSETS, "absent")


@pytest.mark.slow
def test_after_dvc_brings_the_data_they_are_shown(toy: Project, instance: dg.DagsterInstance) -> None:
    lose_everything(toy)
    sync(instance, toy)
    assert run_dvc(toy.root, "checkout").returncode == 0
    sync(instance, toy)
    assert made(instance) == set(ASSETS)
    assert evaluated(instance)
    assert sync(instance, toy) == []


def test_one_artifact_that_is_there_is_shown_without_the_others(
    toy: Project, instance: dg.DagsterInstance
) -> None:
    (toy.root / "data/total.txt").unlink()
    shutil.rmtree(toy.root / "data/numbers")
    sync(instance, toy)
    assert made(instance) == {"squares"}
    assert not evaluated(instance), "the check is about data that are not here"


@pytest.mark.parametrize("hashed_below", [1 << 20, 0])
def test_a_folder_with_a_file_too_few_or_changed_is_not_shown(
    toy: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, hashed_below: int
) -> None:
    """Both ways of looking find it: hashing small artifacts, counting and weighing large ones."""
    monkeypatch.setattr(presence, "HASHED_BELOW_BYTES", hashed_below)
    lock = read_lock(toy.root, toy.pipeline)
    assert not_here(toy, lock) == {}
    (toy.root / "data/numbers/more.txt").write_text("")
    assert not_here(toy, lock) == {"numbers": "changed"}
    (toy.root / "data/numbers/more.txt").unlink()
    (toy.root / "data/numbers/all.txt").unlink()
    assert not_here(toy, lock) == {"numbers": "changed"}
    replace(toy, "data/total.txt", "123456789")
    assert not_here(toy, lock) == {"numbers": "changed", "total": "changed"}
    sync(instance, toy)
    assert made(instance) == {"squares"}


def test_a_byte_changed_in_place_is_found_by_its_hash(toy: Project) -> None:
    path = toy.root / "data/squares.txt"
    replace(toy, "data/squares.txt", path.read_text().replace("4", "5"))
    assert not_here(toy, read_lock(toy.root, toy.pipeline)) == {"squares": "changed"}


def test_data_that_vanish_later_are_said_once_and_again_when_they_return(
    toy: Project, instance: dg.DagsterInstance
) -> None:
    sync(instance, toy)
    total = toy.root / "data/total.txt"
    content = total.read_text()
    total.unlink()
    assert sync(instance, toy) == ["total: recorded, not on this disk (`dvc pull` or `mu0 run`)"]
    assert sync(instance, toy) == []
    [observation] = instance.fetch_observations(dg.AssetKey("total"), limit=1).records
    assert observation.asset_observation
    assert observation.asset_observation.metadata["on_this_disk"].value == "absent"
    total.write_text(content)
    [again] = sync(instance, toy)
    assert again.startswith("total@")
    assert sync(instance, toy) == []


def test_the_sensor_looks_again_when_data_come_or_go(toy: Project, instance: dg.DagsterInstance) -> None:
    def message(cursor: str | None) -> tuple[str, str | None]:
        sensor = next(iter(build_definitions(toy).sensors or []))
        assert isinstance(sensor, dg.SensorDefinition)
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        skipped = sensor(context)
        assert isinstance(skipped, dg.SkipReason)
        return str(skipped.skip_message), context.cursor

    _, cursor = message(None)
    assert message(cursor)[0] == "dvc.lock is unchanged."
    (toy.root / "data/total.txt").unlink()
    assert "not on this disk" in message(cursor)[0]


def replace(project: Project, path: str, content: str) -> None:
    """Write a new file: the old one may be a hard link into DVC's cache."""
    (project.root / path).unlink()
    (project.root / path).write_text(content)
