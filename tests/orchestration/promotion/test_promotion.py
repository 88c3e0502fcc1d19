"""Promotion: champion moves only when every gate passes; refusals name every gate with its numbers."""

from pathlib import Path

import pytest
from finished_project import (
    UR3_METRICS,
    WORLD_METRICS,
    record_in_lock,
    register_row,
    write_json_file,
    write_model,
)
from mlflow import MlflowClient

from mu0.errors import PromotionError
from orchestration.promotion import registry
from orchestration.promotion.gates import action_expert_gates, world_model_gates
from orchestration.promotion.promotion import promote

WORLD, EXPERT = "mu0-world-model", "mu0-action-expert-ur3"


@pytest.fixture(autouse=True)
def rows_without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gates judge numbers, not stored files; test_stored_files.py has real ones."""
    monkeypatch.setattr(registry.Registry, "register", register_row)
    monkeypatch.setattr(registry.Registry, "fault", lambda self, version: None)


def alias(name: str, which: str) -> str:
    return str(MlflowClient().get_model_version_by_alias(name, which).version)


def test_a_good_model_becomes_champion_once(finished: Path) -> None:
    assert [model.result for model in promote(root=finished).models] == ["promoted", "promoted"]
    assert alias(WORLD, "champion") == alias(WORLD, "challenger") == "1"
    again = promote(root=finished)
    assert [model.result for model in again.models] == ["unchanged", "unchanged"]
    assert "is the champion already; nothing to do." in again.describe()


def test_versions_know_where_they_come_from(finished: Path) -> None:
    promote(root=finished)
    tags = MlflowClient().get_model_version_by_alias(WORLD, "champion").tags
    assert tags["metric/mu0_minus_static_ade_uv_high"] == "-0.05"


def test_the_old_champion_stays_as_previous(finished: Path) -> None:
    promote(root=finished)
    write_model(finished / "models/world_model", b"better weights")
    record_in_lock(finished)
    assert promote(root=finished).models[0].result == "promoted"
    assert (alias(WORLD, "champion"), alias(WORLD, "previous")) == ("2", "1")


def test_a_dry_run_changes_nothing(finished: Path) -> None:
    assert [model.result for model in promote(dry_run=True, root=finished).models] == ["would promote"] * 2
    assert MlflowClient().search_registered_models() == []


def test_a_failed_expert_is_refused_and_the_world_model_promoted(finished: Path) -> None:
    failed = {**UR3_METRICS, "grounded": {"success_rate": 0.0, "success_low": 0.0, "success_high": 0.09}}
    write_json_file(finished / "reports/ur3_report_metrics.json", failed)
    record_in_lock(finished)
    with pytest.raises(PromotionError) as caught:
        promote(root=finished)
    assert f"{EXPERT} version 1 is not promoted; it stays challenger." in str(caught.value)
    assert "REFUSED  successful in closed loop: success 0 [0, 0.09] of 40 rollouts; must be above 0" in str(
        caught.value
    )
    assert alias(WORLD, "champion") == "1"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("model", "REFUSED  the model is the one that DVC recorded"),
        ("metrics", "reports/trace_report_metrics.json is not as recorded"),
        ("check", "9 checks; not passed or not current: check_captions"),
    ],
)
def test_numbers_of_something_else_do_not_count(finished: Path, fault: str, words: str) -> None:
    if fault == "model":
        write_model(finished / "models/world_model", b"edited by hand")
    elif fault == "metrics":
        write_json_file(finished / "reports/trace_report_metrics.json", {**WORLD_METRICS, "mu0_ade_uv": 0.0})
    else:
        (finished / "reports/checks/captions.json").unlink()
    with pytest.raises(PromotionError) as caught:
        promote(root=finished)
    assert words.removeprefix("9 checks") in str(caught.value)


def test_a_missing_model_is_said_before_anything_is_done(finished: Path) -> None:
    (finished / "models/world_model/model.safetensors").unlink()
    (finished / "models/world_model").rmdir()
    with pytest.raises(PromotionError, match=r"There is no .*world_model"):
        promote(root=finished)


def test_an_interval_that_touches_zero_is_not_better() -> None:
    [gate] = world_model_gates({**WORLD_METRICS, "mu0_minus_static_ade_uv_high": 0.0}, None)
    assert str(gate) == (
        "REFUSED  better than the static baseline in uv: "
        "ADE minus static -0.1 uv [-0.15, 0]; the interval must lie below 0"
    )


def test_a_report_without_a_comparison_is_refused() -> None:
    assert not world_model_gates({}, None)[0].passed


def test_worse_than_the_champion_is_refused_only_beyond_its_interval() -> None:
    champion = {"mu0_minus_static_ade_uv_high": -0.08}
    assert world_model_gates(WORLD_METRICS, champion)[1].passed
    assert not world_model_gates({**WORLD_METRICS, "mu0_minus_static_ade_uv": -0.07}, champion)[1].passed


def test_where_phases_are_known_a_model_must_beat_standing_still_while_carrying() -> None:
    key = "mu0_carry_target_minus_static_ade_m"
    carry = {key: -0.02, f"{key}_low": -0.05}
    for high, passes in ((-0.01, True), (0.01, False)):
        *_, gate = world_model_gates({**WORLD_METRICS, **carry, f"{key}_high": high}, None)
        assert gate.passed is passes
        assert gate.name == "better than the static baseline at the target while carrying"
        assert gate.numbers.startswith("ADE minus static -2 cm [-5, ")
    assert action_expert_gates(UR3_METRICS, "grounded", {"success_low": 0.3})[1].passed
    assert not action_expert_gates(UR3_METRICS, "grounded", {"success_low": 0.31})[1].passed
