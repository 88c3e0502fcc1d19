"""Errors by phase and entity: known offsets in known phases, resting points, words, numbers for MLflow."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mu0.baselines.static import StaticPredictor
from mu0.dataset.resting_questions import MixedQuestion
from mu0.evaluation.traces.by_phase import PhaseLabels, phase_metrics, phase_table, shown_rows
from mu0.evaluation.traces.held_out import BenchmarkSettings, TraceBenchmark, run_trace_benchmark
from mu0.evaluation.traces.phase_tables import approach_warning, phase_cells, report_tables
from mu0.evaluation.traces.predictions import Method
from mu0.evaluation.traces.tables import markdown
from mu0.viewer.phase_figure import write_phase_figure
from tests.mu0.evaluation.questions import N_STEPS, QUESTIONS, OffsetPredictor

SETTINGS = BenchmarkSettings(n_samples=2, horizons=(4, N_STEPS), n_resamples=100)
STEP_UV = (0.02**2 + 0.01**2) ** 0.5
ENTITIES = ["target", "gripper", "arm"]  # of the three keypoints of a question; the first one rests


def labels() -> pd.DataFrame:
    """Every second question is asked in the approach."""
    phases = np.repeat([("approach", "carry")[place % 2] for place in range(len(QUESTIONS))], 3)
    return pd.DataFrame({"phase": phases, "entity": ENTITIES * len(QUESTIONS), "known_by": "simulator"})


@pytest.fixture(scope="module")
def benchmark() -> TraceBenchmark:
    methods = [
        Method("mu0", OffsetPredictor(), sees_history=False, n_parameters=7),
        Method("static", StaticPredictor(N_STEPS), sees_history=False),
    ]
    mixed = [MixedQuestion(one, np.array([True, False, False])) for one in QUESTIONS]
    return run_trace_benchmark(methods, QUESTIONS, SETTINGS, mixed, PhaseLabels(labels(), labels()))


def test_known_offsets_give_known_errors_in_every_phase(benchmark: TraceBenchmark) -> None:
    rows = shown_rows(benchmark.by_phase).set_index(["method", "phase", "entity"])
    for phase in ("approach", "carry"):
        gripper = rows.loc[("mu0", phase, "gripper")]
        assert gripper["minADE_2_uv"] == pytest.approx(0.1)
        assert rows.loc[("static", phase, "gripper"), "ade_uv"] == pytest.approx(STEP_UV * (N_STEPS + 1) / 2)
        expected = gripper["ade_uv"] - rows.loc[("static", phase, "gripper"), "ade_uv"]
        assert gripper["minus_static_ade_uv"] == pytest.approx(expected)
        assert gripper["minus_static_ade_uv_low"] <= expected <= gripper["minus_static_ade_uv_high"]
        assert (gripper["n_moments"], gripper["n_episodes"], gripper["n_keypoints"]) == (5, 5, 5)


def test_a_method_is_exactly_as_good_as_itself(benchmark: TraceBenchmark) -> None:
    own = benchmark.by_phase[benchmark.by_phase["method"] == "static"]
    assert np.abs(own["minus_static_ade_uv_high"]).max() == 0


def test_resting_points_have_one_future_and_static_is_right_about_them(benchmark: TraceBenchmark) -> None:
    rows = shown_rows(benchmark.by_phase).set_index(["method", "phase", "entity"])
    assert rows.loc[("static", "carry", "rest"), "ade_uv"] == 0
    assert rows.loc[("mu0", "carry", "rest"), "ade_uv"] > 0.09
    assert np.isnan(rows.loc[("mu0", "carry", "rest"), "minADE_2_uv"])


def test_arms_and_other_phases_are_in_the_table_and_not_in_the_words(benchmark: TraceBenchmark) -> None:
    assert set(benchmark.by_phase["entity"]) == {"gripper", "target", "arm", "rest"}
    assert set(benchmark.by_phase["source"]) == {"all", "arm", "hand", "phone"}
    header, rows = phase_cells(benchmark.by_phase, 2, str)
    assert header == ["phase", "entity", "keypoints", "episodes", "mu0 [cm]", "static [cm]"]
    assert [row[:2] for row in rows] == [
        [phase, entity] for phase in ("approach", "carry") for entity in ("gripper", "target", "rest")
    ]
    page = markdown(benchmark)
    assert "## By phase and entity" in page
    assert "| approach | gripper | 5 | 5 |" in page


def test_a_source_that_stands_apart_is_not_pooled(benchmark: TraceBenchmark) -> None:
    errors = benchmark.errors.merge(labels().rename_axis("keypoint").reset_index(), on="keypoint")
    table = phase_table(errors, 2, seed=0, n_resamples=20, apart=("hand",))
    pooled = table[(table["source"] == "all") & (table["entity"] == "gripper") & (table["horizon"] == 8)]
    assert pooled[pooled["method"] == "mu0"]["n_episodes"].sum() == len(QUESTIONS) - 3
    assert "hand" in set(table["source"])


def test_numbers_for_mlflow_are_finite_and_named_by_method_phase_and_entity(
    benchmark: TraceBenchmark,
) -> None:
    metrics = benchmark.flat_metrics()
    assert metrics["mu0_carry_gripper_best2_ade_m"] < metrics["mu0_carry_gripper_ade_m"]
    assert metrics["static_carry_target_ade_uv"] == 0
    assert "static_carry_gripper_minus_static_ade_m" not in metrics
    assert (
        metrics["mu0_carry_gripper_minus_static_ade_m_low"] <= metrics["mu0_carry_gripper_minus_static_ade_m"]
    )
    assert np.isfinite(list(metrics.values())).all()


def test_a_guess_is_flagged_and_no_label_is_no_row(benchmark: TraceBenchmark) -> None:
    assert phase_cells(benchmark.by_phase.assign(known_by="captions"), 2, str)[0][-1] == "known by"
    nothing = phase_table(pd.DataFrame(), 2, seed=0, n_resamples=10)
    assert phase_cells(nothing, 2, str) == ([], [])
    assert phase_metrics(nothing, 2, {}) == {}
    assert report_tables(nothing, benchmark.gripper, 2) == []
    unlabelled = replace(benchmark, by_phase=nothing)
    assert "No held-out moment has a known phase" in markdown(unlabelled)


def test_what_is_not_better_than_rest_in_the_approach_is_said(benchmark: TraceBenchmark) -> None:
    for mean, said in ((-0.02, ""), (-0.005, "-0.5 cm [-1.5, +0.5]: not better for sure")):
        ends = {f"minus_static_ade_m{end}": mean + far for end, far in (("_low", -0.01), ("_high", 0.01))}
        table = benchmark.by_phase.assign(minus_static_ade_m=mean, **ends)
        assert said in approach_warning(table)
        assert bool(said) == bool(approach_warning(table))


def test_the_figure_is_drawn_where_there_is_something_to_draw(
    benchmark: TraceBenchmark, tmp_path: Path
) -> None:
    drawn = write_phase_figure(tmp_path, benchmark.by_phase, str, lambda _: "#7b2ff7")
    assert drawn is not None
    assert drawn.stat().st_size > 1000
    assert write_phase_figure(tmp_path, benchmark.by_phase.iloc[:0], str, str) is None
