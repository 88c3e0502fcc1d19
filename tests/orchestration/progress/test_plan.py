"""What will run: what is asked for with all that it needs, and what is out of date with all that follows."""

from pathlib import Path

import pytest

from assets_defs.chain import PIPELINE
from orchestration.params import check_params
from orchestration.progress import plan as plan_module
from orchestration.progress.costs import REFERENCE, cost_of
from orchestration.progress.plan import Plan, asked_for, make_plan, will_run
from orchestration.progress.recorded import StageSeconds, Took

STAGES = tuple(PIPELINE.stages)


def test_nothing_named_means_everything_in_order() -> None:
    assert asked_for(PIPELINE, []) == STAGES


def test_a_target_brings_what_it_needs_and_the_checks_before_it() -> None:
    assert asked_for(PIPELINE, ["captions"]) == (
        "raw_videos", "check_raw_videos", "extracted_traces", "check_extracted_traces", "captions"
    )  # fmt: skip


def test_what_changed_takes_along_all_that_reads_it() -> None:
    running = will_run(PIPELINE, STAGES, {"world_model"})
    assert "check_world_model" in running
    assert {"trace_report", "action_expert_ur3", "ur3_report", "report"} <= set(running)
    assert not {"raw_videos", "captions", "trace_dataset", "demonstrations"} & set(running)
    assert will_run(PIPELINE, STAGES, set()) == ()


def test_a_change_outside_of_what_is_asked_for_does_not_count() -> None:
    asked = asked_for(PIPELINE, ["captions"])
    assert will_run(PIPELINE, asked, {"world_model"}) == ()


def test_a_plan_survives_the_environment() -> None:
    plan = Plan(("a", "b"), {"b": 2.5}, {"b": 7.0}, 0.8, 1.3)
    assert Plan.from_json(plan.to_json()) == plan


def test_only_a_long_and_unknown_run_is_probed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def probe(_environment: object) -> dict[str, float]:
        asked.append(1)
        return REFERENCE

    monkeypatch.setattr(plan_module, "probe", probe)
    record = StageSeconds(tmp_path / "seconds.json")
    small = check_params(Path("profiles/small.yaml"))
    assert make_plan(STAGES, (), small, {}, record)[0].seconds == {}
    make_plan(STAGES, STAGES, check_params(Path("profiles/smoke.yaml")), {}, record)
    assert asked == []
    assert make_plan(STAGES, STAGES, small, {}, record)[1].source == "a probe"
    assert asked == [1]
    for name in STAGES:
        record.begin(name)
        record.end(name, Took(60.0, cost_of(name, small).units))
    assert make_plan(STAGES, STAGES, small, {}, record)[1].source == "earlier runs"
    assert asked == [1]
