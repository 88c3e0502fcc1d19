"""Rollback: champion and previous change places, verified first; promotion does not undo it."""

import getpass
from pathlib import Path

import pytest
from finished_project import record_in_lock, register_row, write_model
from mlflow import MlflowClient

from mu0.errors import PromotionError
from orchestration import jobs
from orchestration.promotion import registry
from orchestration.promotion.promotion import promote, registered_names
from orchestration.promotion.rollback import rollback
from orchestration.promotion.verify_registry import StoredFault

WORLD, EXPERT = "mu0-world-model", "mu0-action-expert-ur3"


@pytest.fixture(autouse=True)
def rows_without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Aliases move whatever lies behind them; test_stored_files.py has real files."""
    monkeypatch.setattr(registry.Registry, "register", register_row)
    monkeypatch.setattr(registry.Registry, "fault", lambda self, version: None)


@pytest.fixture
def twice_promoted(finished: Path) -> Path:
    """Champion 2 and previous 1 of the world model; the expert has one version."""
    promote(root=finished)
    write_model(finished / "models/world_model", b"better weights")
    record_in_lock(finished)
    promote(root=finished)
    return finished


def aliases() -> dict[str, str]:
    found = MlflowClient().get_registered_model(WORLD).aliases
    return {name: str(version) for name, version in found.items()}


def tags(version: str) -> dict[str, str]:
    return dict(MlflowClient().get_model_version(WORLD, version).tags)


def test_back_and_forth(twice_promoted: Path) -> None:
    assert aliases() == {"challenger": "2", "champion": "2", "previous": "1"}
    outcome = rollback([WORLD], twice_promoted, reason="drops cups")
    assert outcome.describe() == ("mu0-world-model version 1 is champion again; version 2 is `previous`.")
    assert aliases() == {"challenger": "2", "champion": "1", "previous": "2"}
    rollback([WORLD], twice_promoted)
    assert aliases() == {"challenger": "2", "champion": "2", "previous": "1"}


def test_who_when_and_why_are_kept(twice_promoted: Path) -> None:
    rollback([WORLD], twice_promoted, reason="drops cups")
    back, aside = tags("1"), tags("2")
    assert (back["rollback/by"], back["rollback/reason"], back["rollback/from_version"]) == (
        getpass.getuser(), "drops cups", "2",
    )  # fmt: skip
    assert (aside["taken_back/by"], aside["taken_back/reason"]) == (getpass.getuser(), "drops cups")
    assert aside["taken_back/at"] == back["rollback/at"]
    rollback([WORLD], twice_promoted)
    assert not any(name.startswith("taken_back/") for name in tags("2")), "it is back; promotion may have it"


def test_promotion_does_not_undo_what_a_person_did(twice_promoted: Path) -> None:
    rollback([WORLD], twice_promoted, reason="drops cups")
    with pytest.raises(PromotionError, match="REFUSED  not taken back by a person") as caught:
        promote(root=twice_promoted)
    assert f"by {getpass.getuser()}: drops cups; `mu0 rollback` brings it back" in str(caught.value)
    assert aliases()["champion"] == "1"
    rollback([WORLD], twice_promoted)
    assert [model.result for model in promote(root=twice_promoted).models] == ["unchanged", "unchanged"]


def test_a_dry_run_moves_nothing(twice_promoted: Path) -> None:
    before = aliases()
    outcome = rollback([WORLD], twice_promoted, dry_run=True)
    assert outcome.describe() == (
        "mu0-world-model version 1 would become champion again; version 2 would be `previous`."
    )
    assert aliases() == before
    assert not any(name.startswith(("rollback/", "taken_back/")) for name in tags("1") | tags("2"))


def test_all_models_are_meant_without_a_name(twice_promoted: Path) -> None:
    names = registered_names(twice_promoted)
    assert names == [WORLD, EXPERT]
    assert "mu0-action-expert-ur3 has no previous champion; it stays as it is." in (
        rollback(names, twice_promoted).describe()
    )
    assert aliases()["champion"] == "1"


@pytest.mark.parametrize("name", [WORLD, "world_model"])
def test_a_model_may_be_called_by_either_name(finished: Path, name: str) -> None:
    assert registered_names(finished, name) == [WORLD]


def test_an_unknown_model_is_said(finished: Path) -> None:
    with pytest.raises(PromotionError, match="There is no model called 'worldmodel'"):
        registered_names(finished, "worldmodel")


def test_nothing_to_go_back_to(finished: Path) -> None:
    promote(root=finished)
    with pytest.raises(PromotionError, match="There is nothing to go back to"):
        rollback([WORLD, EXPERT], finished)


def test_before_anything_was_registered(finished: Path) -> None:
    with pytest.raises(PromotionError, match="has no previous champion"):
        rollback([WORLD], finished)


def test_a_dead_previous_is_refused_and_nothing_moves(
    twice_promoted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = aliases()
    fault = StoredFault("mlruns/1/models/m-1", "sha256 aa", "nothing")
    monkeypatch.setattr(registry.Registry, "fault", lambda self, version: fault)
    with pytest.raises(PromotionError, match=r"version 1 \(previous\) are not whole: mlruns/1") as caught:
        rollback([WORLD], twice_promoted)
    assert "`mu0 verify --fix`" in caught.value.remedy
    assert aliases() == before


def test_previous_without_champion(twice_promoted: Path) -> None:
    MlflowClient().delete_registered_model_alias(WORLD, "champion")
    rollback([WORLD], twice_promoted)
    assert aliases() == {"challenger": "2", "champion": "1"}


def test_previous_that_is_the_champion_itself(twice_promoted: Path) -> None:
    MlflowClient().set_registered_model_alias(WORLD, "previous", "2")
    with pytest.raises(PromotionError, match="There is nothing to go back to"):
        rollback([WORLD], twice_promoted)


@pytest.mark.slow
def test_the_same_as_a_job_of_dagster(twice_promoted: Path) -> None:
    def run(**config: str) -> bool:
        result = jobs.rollback.execute_in_process(
            run_config={"ops": {"roll_models_back": {"config": config}}}, raise_on_error=False
        )
        return result.success

    assert run(model="world_model", reason="drops cups")
    assert aliases()["champion"] == "1"
    assert tags("1")["rollback/reason"] == "drops cups"
    assert not run(model="action_expert_ur3_grounded"), "it has no previous champion"
