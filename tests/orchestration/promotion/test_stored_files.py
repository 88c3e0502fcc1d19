"""A champion is files, not a row: lost, moved, damaged or deleted files are found before any verdict."""

import os
import shutil
from pathlib import Path

import mlflow
import pytest
from finished_project import UR3_METRICS, WORLD_METRICS, record_in_lock, write_json_file, write_model
from mlflow import MlflowClient

from assets_defs.dvc_state import md5_of
from mu0.errors import PromotionError
from orchestration.promotion.examine import examine_registry
from orchestration.promotion.promotion import promote
from orchestration.promotion.registry import Registry
from orchestration.promotion.repair import DVC_TAG
from orchestration.promotion.verify_registry import SHA_TAG, stored_fault
from orchestration.verify.cache import Cache

pytestmark = [
    pytest.mark.slow,  # real models in a real store
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning"),
]
WORLD, EXPERT = "mu0-world-model", "mu0-action-expert-ur3"
FAULTS = (
    "mlruns lost",
    "weights gone",
    "weights cut short",
    "a byte flipped",
    "code gone",
    "description damaged",
)


@pytest.fixture(scope="session")
def promoted_template(tmp_path_factory: pytest.TempPathFactory, store_template: Path) -> Path:
    """A project whose two models were promoted; copied for each test, which is a move for MLflow."""
    root = tmp_path_factory.mktemp("promoted") / "project"
    root.mkdir()
    shutil.copy(store_template, root / "mlflow.db")
    shutil.copy("params.yaml", root / "params.yaml")
    for name in ("world_model", "action_expert_ur3_grounded"):
        write_model(root / "models" / name, name.encode())
    write_json_file(root / "models/action_expert_ur3_grounded/normalization.json", {})
    make_evidence(root)
    here, store = Path.cwd(), os.environ.get("MLFLOW_TRACKING_URI")
    os.chdir(root)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{root}/mlflow.db"
    promote(root=root)
    os.chdir(here)
    os.environ.pop("MLFLOW_TRACKING_URI") if store is None else os.environ.update(MLFLOW_TRACKING_URI=store)
    return root


@pytest.fixture
def promoted(promoted_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    shutil.copytree(promoted_template, root)
    enter(root, monkeypatch)
    return root


def enter(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlflow.db")
    mlflow.set_tracking_uri(f"sqlite:///{root}/mlflow.db")


def make_evidence(root: Path) -> None:
    from assets_defs.chain import PIPELINE

    write_json_file(root / "reports/trace_report_metrics.json", WORLD_METRICS)
    write_json_file(root / "reports/ur3_report_metrics.json", UR3_METRICS)
    for stage in PIPELINE.all_stages:
        if stage.report:
            write_json_file(root / stage.report, {"passed": True})
    record_in_lock(root)


def results(root: Path, *, dry_run: bool = False) -> list[str]:
    return [model.result for model in promote(root=root, dry_run=dry_run).models]


def version(name: str, alias: str = "champion") -> str:
    return str(MlflowClient().get_model_version_by_alias(name, alias).version)


def stored(name: str, alias: str = "champion") -> Path:
    """Where the files behind an alias lie."""
    return Path(MlflowClient().get_model_version_download_uri(name, version(name, alias)))


def is_whole(name: str, alias: str = "champion") -> bool:
    """Whether the alias can be downloaded and has its weights."""
    registry = Registry(name, Path())
    pointed = registry.by_alias(alias)
    return pointed is not None and registry.fault(pointed) is None


def damage(root: Path, fault: str, name: str = WORLD) -> None:
    place = stored(name)
    weights = next(place.rglob("artifacts/world_model/model.safetensors"))
    if fault == "mlruns lost":
        shutil.rmtree(root / "mlruns")
    elif fault == "weights gone":
        weights.unlink()
    elif fault == "weights cut short":
        weights.write_bytes(weights.read_bytes()[:3])
    elif fault == "a byte flipped":
        weights.write_bytes(bytes([weights.read_bytes()[0] ^ 1]) + weights.read_bytes()[1:])
    elif fault == "code gone":
        next(place.glob("pyfunc_*.py")).unlink()
    else:
        (place / "MLmodel").write_text("{")


def train_another(root: Path, content: bytes = b"better") -> None:
    write_model(root / "models/world_model", content)
    record_in_lock(root)


def test_a_moved_project_finds_its_champion(promoted: Path) -> None:
    """The fixture is moved already: it was promoted elsewhere."""
    assert results(promoted) == ["unchanged", "unchanged"]
    assert stored(WORLD).is_relative_to(promoted)
    assert is_whole(WORLD)
    assert is_whole(EXPERT)


@pytest.mark.parametrize("fault", FAULTS)
def test_promotion_of_a_champion_without_its_files_stores_it_again(promoted: Path, fault: str) -> None:
    results(promoted)  # follows the folder
    damage(promoted, fault)
    assert results(promoted, dry_run=True)[0] == "would repair"
    assert not is_whole(WORLD), "a dry run changes nothing"
    assert results(promoted)[0] == "repaired"
    assert is_whole(WORLD)
    assert is_whole(WORLD, "challenger"), "every alias of the dead version follows"
    champion = MlflowClient().get_model_version_by_alias(WORLD, "champion")
    assert (str(champion.version), champion.tags["repaired/of_version"]) == ("2", "1")
    assert champion.tags["metric/mu0_minus_static_ade_uv_high"] == "-0.05", "it keeps what it is judged by"
    assert results(promoted)[0] == "unchanged"


@pytest.mark.parametrize("fault", ["weights gone", "a byte flipped"])
def test_an_experts_copy_of_the_world_model_counts_too(promoted: Path, fault: str) -> None:
    results(promoted)
    damage(promoted, fault, EXPERT)
    assert results(promoted) == ["unchanged", "repaired"]
    assert is_whole(EXPERT)


def test_a_dead_champion_is_not_kept_as_previous(promoted: Path) -> None:
    results(promoted)
    damage(promoted, "weights gone")
    train_another(promoted)
    outcome = promote(root=promoted).models[0]
    assert outcome.result == "promoted"
    assert "neither models/ nor DVC's cache holds its bytes" in outcome.describe()
    assert is_whole(WORLD)
    assert not Registry(WORLD, promoted).by_alias("previous")


def test_a_dead_champion_comes_back_from_dvcs_cache(promoted: Path) -> None:
    import hashlib
    import json

    results(promoted)
    model = promoted / "models/world_model"
    md5 = md5_of(model)
    assert md5
    client, cache = MlflowClient(), Cache.of(promoted)
    client.set_model_version_tag(WORLD, "1", f"{DVC_TAG}models/world_model", md5)
    weights = hashlib.md5((model / "model.safetensors").read_bytes(), usedforsecurity=False).hexdigest()
    cache.put(weights, model / "model.safetensors")
    listing = promoted / "list.json"
    listing.write_text(json.dumps([{"md5": weights, "relpath": "model.safetensors"}]))
    cache.put(md5, listing)
    train_another(promoted)
    damage(promoted, "mlruns lost")
    assert results(promoted)[0] == "promoted"
    assert (version(WORLD), version(WORLD, "previous")) == ("3", "2")
    assert is_whole(WORLD, "previous")
    assert (
        stored(WORLD, "previous").joinpath("artifacts/world_model/model.safetensors").read_bytes()
        == b"world_model"
    )


def test_a_deleted_version_is_registered_again(promoted: Path) -> None:
    results(promoted)
    MlflowClient().delete_model_version(WORLD, "1")
    assert results(promoted)[0] == "promoted"
    assert is_whole(WORLD)


def test_an_alias_of_a_version_that_is_no_more(promoted: Path) -> None:
    import sqlite3
    from contextlib import closing

    results(promoted)
    with closing(sqlite3.connect(promoted / "mlflow.db", isolation_level=None)) as database:
        database.execute("UPDATE registered_model_aliases SET version = 99 WHERE name = ?", (WORLD,))
    assert results(promoted)[0] == "promoted"
    assert is_whole(WORLD)


def test_the_database_of_another_project(
    promoted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its champion lies whole in the other folder; what this project registers must lie in this one."""
    results(promoted)
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("mlflow.db", "params.yaml", "models", "reports"):
        source = promoted / name
        shutil.copytree(source, mine / name) if source.is_dir() else shutil.copy(source, mine / name)
    enter(mine, monkeypatch)
    train_another(mine, b"mine")
    assert results(mine)[0] == "promoted"
    assert stored(WORLD).is_relative_to(mine)
    assert stored(WORLD, "previous").is_relative_to(promoted)
    shutil.rmtree(promoted)
    assert [each.remedy.partition(":")[0] for each in examine_registry(mine, fix=False, tell=print)[0]] == [
        "run `mu0 verify --fix`"
    ] * 2  # the world model's previous and the expert


def test_a_refusal_says_that_the_champion_is_dead(promoted: Path) -> None:
    results(promoted)
    damage(promoted, "weights gone")
    train_another(promoted)
    worse = {**WORLD_METRICS, "mu0_minus_static_ade_uv": 0.1, "mu0_minus_static_ade_uv_high": 0.2}
    write_json_file(promoted / "reports/trace_report_metrics.json", worse)
    record_in_lock(promoted)
    with pytest.raises(PromotionError, match=r"stored files  version 1 \(.*champion.*\): .* expected"):
        promote(root=promoted)


def test_verify_names_the_place_and_mends_it(promoted: Path) -> None:
    results(promoted)
    damage(promoted, "a byte flipped")
    [difference], n_versions = examine_registry(promoted, fix=False, tell=print)
    assert n_versions == 2
    assert difference.path.startswith(f"{WORLD} version 1 (challenger, champion) at {promoted}/mlruns/")
    assert difference.expected.startswith("sha256 ")
    told: list[str] = []
    assert examine_registry(promoted, fix=True, tell=told.append)[0] == []
    assert "stored again as version 2" in told[0]


def test_no_store_is_made_by_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(tmp_path, monkeypatch)
    assert examine_registry(tmp_path, fix=False, tell=print) == ([], 0)
    assert list(tmp_path.iterdir()) == []


def test_a_location_that_is_nowhere(tmp_path: Path) -> None:
    assert str(stored_fault(f"{tmp_path}/gone", "0" * 64)).endswith(
        "expected the files of the version, found nothing"
    )
    assert SHA_TAG == "model/sha256"
