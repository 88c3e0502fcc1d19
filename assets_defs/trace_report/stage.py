"""Stage `trace_report`: μ0 and its baselines on held-out episodes: tables, figures, scenes."""

from pathlib import Path

import torch

from assets_defs.entry import run_stage
from assets_defs.sections import section
from assets_defs.tracking import track_run
from mu0.dataset.evaluation import EvaluationProtocol, EvaluationSample, read_evaluation_samples
from mu0.dataset.index import read_slots
from mu0.dataset.resting_questions import mixed_questions
from mu0.dataset.rows import WindowShape
from mu0.evaluation.phases.labels import LabelFolders
from mu0.evaluation.traces.held_out import BenchmarkSettings, run_trace_benchmark
from mu0.evaluation.traces.methods import open_methods
from mu0.evaluation.traces.phase_labels import read_phase_labels
from mu0.files import atomic_folder, write_json
from mu0.params.world_model import TraceDatasetParams, TraceReportParams
from mu0.viewer.trace_report import write_trace_report

DATASET = Path("data/trace_dataset")
EPISODES = Path("data/extracted_traces")
CAPTIONS = Path("data/captions")
TRUTH = Path("data/ground_truth_tracks")
CHECKPOINT = Path("models/world_model")
GOAL = Path("reports/trace_report")
METRICS = Path("reports/trace_report_metrics.json")
THREADS = 2


def main() -> None:
    """Run the benchmark and write the report."""
    report, data = section("trace_report", TraceReportParams), section("trace_dataset", TraceDatasetParams)
    torch.set_num_threads(THREADS)
    samples = _read_samples(report, data)
    horizons = tuple(report.horizons)
    settings = BenchmarkSettings(report.n_samples, horizons, report.moving_threshold_uv, report.seed)
    mixed = mixed_questions(samples, EPISODES, report.n_resting, report.seed)
    labels = read_phase_labels(samples, mixed, LabelFolders(EPISODES, CAPTIONS, TRUTH))
    methods = open_methods(CHECKPOINT, data.future_len)
    benchmark = run_trace_benchmark(methods, samples, settings, mixed, labels)
    metrics = benchmark.flat_metrics()
    with track_run(stage="trace_report", params=report.model_dump()) as run:
        run.log(metrics)
        with atomic_folder(GOAL) as folder:
            write_trace_report(folder, samples, benchmark, report.n_scenes)
        run.log_artifact(GOAL / "table.md")
        run.log_artifact(GOAL / "figures")
    write_json(METRICS, metrics)


def _read_samples(report: TraceReportParams, data: TraceDatasetParams) -> list[EvaluationSample]:
    slots = read_slots(DATASET / "index.parquet")
    shape = WindowShape(data.history_len, data.future_len, data.min_future_steps)
    chosen = report.frames, report.frames_per_episode, report.n_queries, report.seed
    protocol = EvaluationProtocol(shape, *chosen)
    return read_evaluation_samples(slots[slots["split"] == "test"], EPISODES, CAPTIONS, protocol)


if __name__ == "__main__":
    run_stage(main)
