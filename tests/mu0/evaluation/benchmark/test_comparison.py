"""Methods against μ0: known offsets give known errors, differences and shares; other answers are refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mu0.dataset.resting_questions import MixedQuestion
from mu0.errors import StageError
from mu0.evaluation.benchmark.answers import Answers, read_answers, write_answers
from mu0.evaluation.benchmark.comparison import HELD_OUT, MethodBenchmark, compare_answers
from mu0.evaluation.benchmark.methods import METHODS, method_spec, open_method
from mu0.evaluation.benchmark.questions import digest_of, first_episodes
from mu0.evaluation.benchmark.tables import all_tables, markdown
from mu0.evaluation.statistics.bootstrap import bootstrap_mean, bounds, resample_means
from mu0.evaluation.traces.by_phase import PhaseLabels
from mu0.evaluation.traces.held_out import BenchmarkSettings
from mu0.evaluation.traces.predictions import Method, predict_all
from mu0.evaluation.traces.resting import ask_about_rest
from mu0.interfaces import AbstractTracePredictor
from mu0.records import Observation, Queries, TraceSamples
from mu0.viewer.method_report import choose_moments, write_method_report
from tests.mu0.evaluation.questions import N_STEPS, QUESTIONS, STEP

SETTINGS = BenchmarkSettings(n_samples=2, horizons=(4, 8), moving_threshold_uv=0.05, seed=0, n_resamples=200)


class Beside(AbstractTracePredictor):
    """Every sample runs beside the truth: sample s by `offset (2 - s)` to the right, so the last is best."""

    name = "beside"

    def __init__(self, offset: float) -> None:
        self.offset = offset

    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        anchor = queries.anchor_uvz
        is_3d = bool((anchor[:, 2] > 0).any())
        speed = np.ones((len(anchor), 1, 1))
        speed[0] = 0
        exact = anchor[:, None] + np.arange(1, N_STEPS + 1)[:, None] * STEP * [1, 1, is_3d] * speed
        offsets = self.offset * (n_samples - np.arange(n_samples))
        uvz = exact[None] + offsets[:, None, None, None] * np.array([1.0, 0, 0])
        return TraceSamples(uvz, np.ones(uvz.shape[:3]))


def answers_of(name: str, offset: float) -> Answers:
    asked = predict_all(Method(name, Beside(offset), sees_history=False, n_parameters=7), QUESTIONS, 2, 0)
    facts = {"name": name, "n_parameters": 7, "sees_history": False, "steps": 10}
    return Answers(name, asked.uvz, np.full(len(QUESTIONS), offset), facts)


@pytest.fixture(scope="module")
def compared() -> MethodBenchmark:
    answers = [answers_of("mu0", 0.1), answers_of("tracegen", 0.2), answers_of("static", 0.1)]
    return compare_answers(answers, QUESTIONS, SETTINGS, apart=("hand",))


def test_known_offsets_give_known_errors_in_every_split(compared: MethodBenchmark) -> None:
    assert compared.splits == [HELD_OUT, "arm", "phone", "hand"]
    for split in compared.splits:
        rows = compared.rows(split).set_index("method")
        assert rows.loc["mu0", "ade_uv"] == pytest.approx(0.2)
        assert rows.loc["mu0", "minADE_2_uv"] == pytest.approx(0.1)
        assert rows.loc["tracegen", "minFDE_2_uv"] == pytest.approx(0.2)
        assert rows.loc["mu0", "latency_s"] == 0.1


@pytest.mark.slow
def test_phases_and_the_gripper_alone_are_in_tables_pages_and_metrics(tmp_path: Path) -> None:
    phases = np.repeat([("approach", "carry")[place % 2] for place in range(len(QUESTIONS))], 3)
    names = ["target", "gripper", "arm"] * len(QUESTIONS)
    labels = pd.DataFrame({"phase": phases, "entity": names, "known_by": "simulator"})
    alone = pd.DataFrame(
        {"episode_id": ["a", "b"], "source": ["arm", "hand"], "phase": "approach", "aim_xy_m": [0.1, 0.3],
         "aim_height_m": 0.0, "path_ade_m": 0.1}
    )  # fmt: skip
    answers = [
        replace(answers_of(name, offset), gripper=alone.assign(method=name))
        for name, offset in (("mu0", 0.1), ("static", 0.2))
    ]
    told = PhaseLabels(labels, labels.iloc[:0])
    benchmark = compare_answers(answers, QUESTIONS, SETTINGS, apart=("hand",), labels=told)
    metrics = benchmark.flat_metrics()
    assert metrics["mu0_gripper_alone_approach_aim_xy_m"] == pytest.approx(0.1)  # hands stand apart
    assert metrics["mu0_carry_gripper_minus_static_ade_m"] < 0
    assert [table.title.partition(",")[0] for table in all_tables(benchmark)[1:3]] == [
        "By phase and entity", "The gripper"
    ]  # fmt: skip
    write_method_report(tmp_path, QUESTIONS, benchmark, 1)
    assert (tmp_path / "figures/error_by_phase.png").is_file()
    assert set(pd.read_parquet(tmp_path / "gripper.parquet")["source"]) == {"all", "arm", "hand"}
    assert "By phase and entity" in (tmp_path / "index.html").read_text()


def test_differences_and_shares_are_paired(compared: MethodBenchmark) -> None:
    """Both methods miss by a constant, so that every draw of episodes gives the same difference."""
    rows = compared.compared("minADE_2_uv").set_index("method")
    for key, value in (("difference", 0.1), ("saved", 0.5)):
        for end in ("", "_low", "_high"):
            assert rows.loc["tracegen", key + end] == pytest.approx(value)
            assert rows.loc["static", key + end] == pytest.approx(0.0, abs=1e-12)
    assert set(compared.comparisons["reference"]) == {"mu0"}
    assert "mu0" not in set(compared.comparisons["method"])


def test_sources_that_are_apart_are_not_pooled(compared: MethodBenchmark) -> None:
    counts = compared.rows().set_index("method")["n_keypoints"]
    assert set(counts) == {sum(len(q.truth_uvz) for q in QUESTIONS if q.source != "hand")}
    everywhere = compared.table.groupby(["split", "points", "horizon"])["n_keypoints"].nunique()
    assert set(everywhere) == {1}


def test_moving_points_are_fewer_than_all(compared: MethodBenchmark) -> None:
    moving, everything = compared.rows(points="moving"), compared.rows()
    assert (moving["n_keypoints"].to_numpy() < everything["n_keypoints"].to_numpy()).all()


def test_the_tables_name_winner_and_loser(compared: MethodBenchmark) -> None:
    page = markdown(compared)
    assert "| TraceGen |" in page
    rows = [line for line in page.splitlines() if line.startswith("| held-out episodes |")]
    assert [line.split(" | ")[-1] for line in rows] == ["μ0 |", "undecided |"]
    assert "| static | +0.00 [+0.00, +0.00] | +0% [+0%, +0%] |" in rows[1]
    metrics = compared.flat_metrics()
    assert metrics["mu0_saves_of_tracegen_low"] == pytest.approx(0.5, abs=0.02)  # metres depend on the depth


@pytest.mark.slow
def test_the_report_is_one_page_with_figures_and_panels(compared: MethodBenchmark, tmp_path: Path) -> None:
    write_method_report(tmp_path, QUESTIONS, compared, n_panels=3)
    assert {path.name for path in tmp_path.iterdir()} == {
        "table.parquet", "table.csv", "comparisons.parquet", "comparisons.csv", "table.md", "summary.json",
        "resting.parquet", "resting.csv", "by_phase.parquet", "by_phase.csv",
        "gripper.parquet", "gripper.csv", "figures", "panels", "index.html",
    }  # fmt: skip
    assert len(list((tmp_path / "figures").iterdir())) == 4
    assert len(list((tmp_path / "panels").iterdir())) == 3
    assert (tmp_path / "index.html").read_text().count("data:image/png") == 7


def test_moments_are_shared_out_over_the_sources() -> None:
    chosen = choose_moments(QUESTIONS, 5)
    assert [QUESTIONS[place].source for place in chosen] == ["arm", "arm", "hand", "hand", "phone"]
    assert len(set(chosen)) == 5


def test_answers_come_back_and_answers_to_other_questions_are_refused(tmp_path: Path) -> None:
    asked = predict_all(Method("mu0", Beside(0.1), sees_history=False, n_parameters=7), QUESTIONS, 2, 0)
    digest = digest_of(QUESTIONS)
    write_answers(tmp_path / "mu0", asked, {"digest": digest})
    kept = read_answers(tmp_path / "mu0", digest)
    assert kept.name == "mu0"
    assert np.array_equal(kept.uvz, asked.uvz.astype(np.float32))
    assert digest_of(QUESTIONS[:-1]) != digest
    with pytest.raises(StageError, match="are to other questions"):
        read_answers(tmp_path / "mu0", digest_of(QUESTIONS[:-1]))
    with pytest.raises(StageError, match="is missing"):
        read_answers(tmp_path / "nobody", digest)


def test_answers_about_rest_come_back_and_every_method_must_have_them(tmp_path: Path) -> None:
    mixed = [MixedQuestion(one, np.array([True, False, False])) for one in QUESTIONS]
    digest = digest_of(QUESTIONS)
    answers = []
    for name, offset, moves in (("mu0", 0.1, np.tile([0.1, 0.8, 0.9], len(mixed))), ("tracegen", 0.2, None)):
        method = Method(name, Beside(offset), sees_history=False, n_parameters=7)
        resting = replace(ask_about_rest(method, mixed, 0), moves=moves)
        write_answers(tmp_path / name, predict_all(method, QUESTIONS, 2, 0), {"digest": digest}, resting)
        answers.append(read_answers(tmp_path / name, digest))
        kept = answers[-1].resting
        assert kept is not None
        assert np.array_equal(kept.uvz, resting.uvz.astype(np.float32))
        assert (kept.moves is None) == (moves is None)
    compared = compare_answers(answers, QUESTIONS, SETTINGS, mixed=mixed)
    rows = compared.resting[compared.resting["source"] == "all"].set_index("method")
    assert rows.loc["mu0", "moves_auroc"] == 1.0
    assert rows.loc["tracegen", "moves_auroc"] == 1.0  # what rests is shifted as far, but moves no farther
    assert rows.loc["tracegen", "false_motion_m"] == pytest.approx(2 * rows.loc["mu0", "false_motion_m"])
    assert "tracegen_false_motion_share" in compared.flat_metrics()
    assert "| TraceGen | " in markdown(compared).split("## What rests: 10 resting")[1]
    with pytest.raises(StageError, match="tracegen was asked about 0 keypoints that move or rest"):
        compare_answers([answers[0], replace(answers[1], resting=None)], QUESTIONS, SETTINGS, mixed=mixed)


def test_without_the_reference_or_with_missing_keypoints_nothing_is_compared() -> None:
    with pytest.raises(StageError, match="none of mu0"):
        compare_answers([answers_of("tracegen", 0.1)], QUESTIONS, SETTINGS)
    with pytest.raises(StageError, match="2 futures of 30 keypoints"):
        compare_answers([answers_of("mu0", 0.1)], QUESTIONS[:-1], SETTINGS)


def test_methods_are_opened_by_name() -> None:
    assert open_method("static", 4).name == "static"
    assert open_method("constant_velocity", 4).sees_history
    with pytest.raises(StageError, match="no method 'tau0'"):
        method_spec("tau0")
    assert METHODS["mu0"].weights == METHODS["mu0_history"].weights
    with pytest.raises(StageError, match="mu0 was asked without weights"):
        open_method("mu0", 4)


def test_resampled_means_agree_with_the_plain_bootstrap() -> None:
    rng = np.random.default_rng(0)
    values, clusters = rng.normal(size=(300, 2)), np.repeat(np.arange(30), 10)
    values[5, 0] = np.nan
    drawn = resample_means(values, clusters, seed=1, n_resamples=4000)
    low, high = bounds(drawn.draws)
    for place in range(2):
        plain = bootstrap_mean(values[:, place], clusters, seed=2, n_resamples=4000)
        assert drawn.mean[place] == pytest.approx(plain.mean)
        assert (low[place], high[place]) == pytest.approx((plain.low, plain.high), abs=0.02)


def test_a_column_that_nobody_knows_has_no_mean() -> None:
    drawn = resample_means(np.full((4, 1), np.nan), np.arange(4), n_resamples=10)
    assert np.isnan(drawn.mean).all()
    assert np.isnan(drawn.draws).all()


def test_the_first_episodes_of_every_source_are_taken() -> None:
    import pandas as pd

    slots = pd.DataFrame({"source": list("aaab"), "episode_id": ["a/2", "a/1", "a/3", "b/1"]})
    assert sorted(first_episodes(slots, 2)["episode_id"]) == ["a/1", "a/2", "b/1"]
