"""The forecast: known answers on the reference machine, and laws about what it rests on."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from assets_defs.chain import PIPELINE
from orchestration.params import check_params
from orchestration.progress import costs
from orchestration.progress.costs import KERNELS, REFERENCE, START, cost_of
from orchestration.progress.forecast import complete, forecast, minutes, probe
from orchestration.progress.recorded import Took

STAGES = tuple(PIPELINE.stages)


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs.os, "cpu_count", lambda: 2)


@pytest.fixture(scope="module")
def small() -> Any:
    return check_params(Path("profiles/small.yaml"))


def test_the_reference_run_is_foretold_on_the_reference_machine(small: Any) -> None:
    """The undisturbed demo took 1206 s, 10 of them the install; its parts as docs/experiments.md has them.

    It trained longer than the profile does today, and rolled out in scenes of one level.
    """
    longer = small.world_model.train.model_copy(update={"steps": 2000})
    then = small.model_copy(
        update={
            "world_model": small.world_model.model_copy(update={"train": longer}),
            "action_expert": small.action_expert.model_copy(update={"steps": 1800}),
            "ur3_report": small.ur3_report.model_copy(update={"n_rollouts_elsewhere": 0}),
        }
    )
    found = forecast(STAGES, then, {}, REFERENCE)
    start_s = REFERENCE[START]
    experts_s, report_s = 420 * 3 / 2, 52 * 5 / 3  # of two variants then, three actors; now three, and five
    for stage, measured_s in (("raw_videos", 116), ("extracted_traces", 152), ("world_model", 377),
                              ("action_expert_ur3", experts_s), ("ur3_report", report_s)):  # fmt: skip
        assert found.seconds[stage] == pytest.approx(measured_s + start_s, rel=0.01)
    whole_s = 1196 + experts_s - 420 + report_s - 52
    assert sum(found.seconds.values()) == pytest.approx(whole_s, rel=0.1)
    low_s, high_s = found.range_s
    assert low_s < whole_s < high_s


def test_twice_as_slow_a_machine_takes_twice_as_long(small: Any) -> None:
    twice = {name: 2 * seconds for name, seconds in REFERENCE.items()}
    slow, usual = (forecast(STAGES, small, {}, kernels_s) for kernels_s in (twice, REFERENCE))
    assert sum(slow.seconds.values()) == pytest.approx(2 * sum(usual.seconds.values()))


def test_what_was_not_measured_is_as_slow_as_the_rest() -> None:
    part = complete({name: 3 * REFERENCE[name] for name in KERNELS[:2]})
    assert part == pytest.approx({name: 3 * REFERENCE[name] for name in KERNELS})
    assert complete({}) == REFERENCE


def test_one_core_takes_twice_as_long_for_what_runs_side_by_side(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_s = forecast(["action_expert_ur3"], small, {}, REFERENCE).seconds["action_expert_ur3"]
    monkeypatch.setattr(costs.os, "cpu_count", lambda: 1)
    one_s = forecast(["action_expert_ur3"], small, {}, REFERENCE).seconds["action_expert_ur3"]
    assert one_s - REFERENCE[START] == pytest.approx(2 * (two_s - REFERENCE[START]))


def test_earlier_runs_on_this_machine_count_more_than_a_probe(small: Any) -> None:
    known = {name: Took(100.0, cost_of(name, small).units) for name in STAGES}
    found = forecast(STAGES, small, known, REFERENCE)
    assert (found.source, sum(found.seconds.values())) == ("earlier runs", pytest.approx(100 * len(STAGES)))
    part = forecast(STAGES, small, {"world_model": known["world_model"]}, REFERENCE)
    assert (part.source, part.seconds["world_model"]) == ("a probe", pytest.approx(100))
    assert forecast(STAGES, small, {}, {}).source == "another machine"


def test_twice_the_steps_take_twice_the_time_beyond_the_start(small: Any) -> None:
    known = {"world_model": Took(REFERENCE[START] + 100, cost_of("world_model", small).units / 2)}
    found = forecast(["world_model"], small, known, {}).seconds["world_model"]
    assert found == pytest.approx(REFERENCE[START] + 2 * 100)


def test_rollouts_of_a_longer_task_take_longer() -> None:
    units = {
        task: cost_of("ur3_report", check_params(Path(f"profiles/{task}.yaml"))).units
        for task in ("pour", "towel")
    }
    assert units["towel"] == pytest.approx(units["pour"] * 300 / 250)


def test_a_quick_profile_is_foretold_as_quick() -> None:
    smoke = forecast(STAGES, check_params(Path("profiles/smoke.yaml")), {}, REFERENCE)
    assert sum(smoke.seconds.values()) < 180


def test_every_stage_that_has_a_cost_is_in_the_chain() -> None:
    assert set(costs.COSTS) <= set(STAGES)


@pytest.mark.parametrize(
    ("low_s", "high_s", "words"),
    [(1080, 1500, "18 to 25 minutes"), (1, 40, "a minute at most"), (20, 100, "2 minutes at most"),
     (110, 125, "2 minutes"), (50, 70, "1 minute"), (7200, 9000, "120 to 150 minutes")],
)  # fmt: skip
def test_ranges_are_said_in_minutes(low_s: float, high_s: float, words: str) -> None:
    assert minutes(low_s, high_s) == words


def test_own_videos_are_named_as_unforeseen_and_an_empty_folder_is_not(small: Any, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("put videos here")
    source = small.raw_videos.sources["my_videos"].model_copy(update={"folder": str(tmp_path)})
    sources = {**small.raw_videos.sources, "my_videos": source}
    videos = small.raw_videos.model_copy(update={"sources": sources})
    params = small.model_copy(update={"raw_videos": videos})
    assert costs.sources_that_cannot_be_foreseen(params) == []
    (tmp_path / "mine.mp4").touch()
    assert costs.sources_that_cannot_be_foreseen(params) == ["my_videos"]


def test_a_probe_that_gets_no_time_says_nothing() -> None:
    assert probe(os.environ, load_s=0.01) == {}


@pytest.mark.slow
def test_a_probe_measures_every_kind_of_work_and_not_how_long_its_libraries_load() -> None:
    found = probe(os.environ, limit_s=300, load_s=300)
    assert set(found) == set(costs.KERNELS) - {costs.START}
    assert min(found.values()) > 0


def test_the_sentence_says_what_it_rests_on(small: Any) -> None:
    words = {"earlier runs": "by what it took before", "a probe": "by a probe of 10 s",
             "another machine": "this machine was not measured"}  # fmt: skip
    found = forecast(STAGES, small, {}, REFERENCE)
    for source, said in words.items():
        assert said in str(dataclasses.replace(found, source=source))
