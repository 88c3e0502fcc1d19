"""Stage `benchmark_traces`: the answers of all methods -> tables, figures, panels, paired intervals."""

import sys
from collections.abc import Sequence
from pathlib import Path

from assets_defs.benchmark_folders import KNOWN, UNSEEN, UNSEEN_TRUTH
from assets_defs.benchmark_questions import read_asked
from assets_defs.entry import run_stage
from assets_defs.tracking import track_run
from mu0.dataset.statistics import NormalizerStats
from mu0.evaluation.benchmark.answers import read_answers
from mu0.evaluation.benchmark.comparison import compare_answers
from mu0.evaluation.benchmark.methods import METHODS
from mu0.evaluation.benchmark.mixed import read_mixed_questions
from mu0.evaluation.benchmark.official_files import write_official_files
from mu0.evaluation.benchmark.phases import read_phase_labels
from mu0.evaluation.benchmark.questions import UNSEEN_SOURCES, digest_of, read_questions
from mu0.evaluation.traces.held_out import BenchmarkSettings
from mu0.files import atomic_folder, write_json
from mu0.viewer.method_report import write_method_report

TRUTH, ANSWERS = Path("data/ground_truth_tracks"), Path("data/benchmark/predictions")
GOAL, METRICS = Path("reports/benchmark_traces"), Path("reports/benchmark_traces_metrics.json")


def main(
    methods: Sequence[str] = tuple(METHODS), goal: Path = GOAL, metrics_file: Path | None = METRICS
) -> None:
    """Compare `methods` and write the report to `goal`."""
    asked = read_asked()
    benchmark = asked.benchmark
    questions = read_questions(asked, KNOWN, UNSEEN)
    digest = digest_of(questions)
    horizons, threshold_uv = tuple(benchmark.horizons), benchmark.moving_threshold_uv
    settings = BenchmarkSettings(
        benchmark.n_samples, horizons, threshold_uv, benchmark.seed, benchmark.n_resamples
    )
    answers = [read_answers(ANSWERS / name, digest) for name in methods]
    mixed = read_mixed_questions(asked, questions, KNOWN, UNSEEN)
    labels = read_phase_labels(questions, mixed, (KNOWN, TRUTH), (UNSEEN, UNSEEN_TRUTH))
    result = compare_answers(answers, questions, settings, UNSEEN_SOURCES, mixed, labels)
    metrics, scale = result.flat_metrics(), NormalizerStats.read(KNOWN.statistics).delta_scale
    with track_run(stage="benchmark_traces", params=benchmark.model_dump()) as run:
        run.log(metrics)
        with atomic_folder(goal) as folder:
            write_method_report(folder, questions, result, benchmark.n_panels)
            write_official_files(folder / "official", questions, answers, scale)
        run.log_artifact(goal / "table.md")
        run.log_artifact(goal / "figures")
    if metrics_file is not None:
        write_json(metrics_file, metrics)


if __name__ == "__main__":
    chosen = sys.argv[1:]
    if chosen:  # some methods only: a report of its own, outside of DVC
        run_stage(lambda: main(chosen, Path("outputs/benchmark_traces"), None))
    else:
        run_stage(main)
