"""The benchmark: pooled and per source, differences with the right sign, the words of the page."""

import pytest

from mu0.baselines.constant_velocity import ConstantVelocityPredictor
from mu0.baselines.static import StaticPredictor
from mu0.evaluation.traces.held_out import (
    BenchmarkSettings,
    TraceBenchmark,
    per_sample_errors,
    run_trace_benchmark,
)
from mu0.evaluation.traces.predictions import Method
from mu0.evaluation.traces.tables import markdown
from tests.mu0.evaluation.questions import N_STEPS, QUESTIONS, OffsetPredictor

SETTINGS = BenchmarkSettings(n_samples=2, horizons=(4, N_STEPS), n_resamples=100)


@pytest.fixture(scope="module")
def benchmark() -> TraceBenchmark:
    methods = [
        Method("mu0", OffsetPredictor(), sees_history=False, n_parameters=7),
        Method("static", StaticPredictor(N_STEPS), sees_history=False),
        Method("constant_velocity", ConstantVelocityPredictor(N_STEPS), sees_history=True),
    ]
    return run_trace_benchmark(methods, QUESTIONS, SETTINGS)


def test_there_is_a_row_for_every_source_point_set_and_horizon(benchmark: TraceBenchmark) -> None:
    assert len(benchmark.table) == 3 * 4 * 2 * 2  # methods, sources with "all", point sets, horizons
    assert set(benchmark.table["source"]) == {"all", "arm", "hand", "phone"}
    pooled = benchmark.table.query(
        "source == 'all' and points == 'all' and horizon == 8 and method == 'static'"
    )
    assert pooled["n_keypoints"].item() == 3 * len(QUESTIONS)
    assert pooled["n_episodes"].item() == len(QUESTIONS)


def test_headline_is_about_moving_points_at_the_longest_horizon(benchmark: TraceBenchmark) -> None:
    headline = benchmark.headline()
    assert set(headline["points"]) == {"moving"}
    assert set(headline["horizon"]) == {N_STEPS}
    assert set(headline["n_keypoints"]) == {2 * len(QUESTIONS)}


def test_flat_metrics_have_known_values_and_signs(benchmark: TraceBenchmark) -> None:
    metrics = benchmark.flat_metrics()
    mean_step = (N_STEPS + 1) / 2
    assert metrics["static_ade_uv"] == pytest.approx(mean_step * (0.02**2 + 0.01**2) ** 0.5)
    assert metrics["cv_ade_m"] == pytest.approx(0, abs=1e-9)
    assert metrics["mu0_best2_ade_uv"] == pytest.approx(0.1)
    assert metrics["mu0_ade_uv"] == pytest.approx(0.15)
    assert metrics["mu0_minus_cv_ade_uv"] == pytest.approx(0.15)
    assert metrics["mu0_minus_cv_ade_uv_low"] > 0
    assert metrics["cv_minus_static_ade_m_high"] < 0
    assert metrics["cv_minus_static_ade_m_low"] <= metrics["cv_minus_static_ade_m"]
    assert metrics["mu0_latency_s"] > 0


def test_samples_average_their_keypoints(benchmark: TraceBenchmark) -> None:
    rows = per_sample_errors(benchmark.errors, SETTINGS.columns)
    assert len(rows) == 3 * 2 * len(QUESTIONS)
    assert set(rows["n_keypoints"]) == {3}
    chosen = rows.query("method == 'mu0' and horizon == 8").sort_values("sample")
    assert chosen["ade_uv"].round(6).tolist() == [0.1, 0.2] * 5


def test_equal_inputs_give_equal_numbers(benchmark: TraceBenchmark) -> None:
    again = run_trace_benchmark(benchmark.methods, QUESTIONS, SETTINGS)
    first, second = (
        {key: value for key, value in one.flat_metrics().items() if "latency" not in key}
        for one in (benchmark, again)
    )
    assert first == second


def test_the_page_names_methods_units_and_verdicts(benchmark: TraceBenchmark) -> None:
    page = markdown(benchmark)
    assert "20 moving keypoints of 10 episodes that no method has seen, 8 steps ahead." in page
    assert "| mu0 | constant_velocity | ade_uv | +0.150 [" in page
    assert "best of 2: ADE [cm]" in page
    assert "nan" not in page.split("## By source")[0]
