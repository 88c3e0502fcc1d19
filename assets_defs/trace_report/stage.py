"""Stage `trace_report`: μ0 and its baselines on held-out episodes: tables, figures, scenes."""

from pathlib import Path

import torch

from assets_defs.entry import run_stage
from assets_defs.sections import section
from assets_defs.tracking import track_run
from mu0.dataset.folders import TraceFolders
from mu0.evaluation.traces.asked import read_asked
from mu0.evaluation.traces.held_out import BenchmarkSettings, run_trace_benchmark
from mu0.evaluation.traces.methods import open_methods
from mu0.files import atomic_folder, write_json
from mu0.params.world_model import TraceDatasetParams, TraceReportParams
from mu0.viewer.trace_report import write_trace_report

FOLDERS = TraceFolders(Path("data/trace_dataset"), Path("data/extracted_traces"), Path("data/captions"))
TRUTH = Path("data/ground_truth_tracks")
CHECKPOINT = Path("models/world_model")
GOAL = Path("reports/trace_report")
METRICS = Path("reports/trace_report_metrics.json")
THREADS = 2


def main() -> None:
    """Run the benchmark and write the report."""
    report, data = section("trace_report", TraceReportParams), section("trace_dataset", TraceDatasetParams)
    torch.set_num_threads(THREADS)
    asked = read_asked(report, data, FOLDERS, TRUTH)
    horizons = tuple(report.horizons)
    settings = BenchmarkSettings(report.n_samples, horizons, report.moving_threshold_uv, report.seed)
    methods = open_methods(CHECKPOINT, data.future_len)
    benchmark = run_trace_benchmark(
        methods, asked.official, settings, asked.mixed, asked.labels, asked.gripper
    )
    metrics = benchmark.flat_metrics()
    with track_run(stage="trace_report", params=report.model_dump()) as run:
        run.log(metrics)
        with atomic_folder(GOAL) as folder:
            write_trace_report(folder, asked.official, benchmark, report.n_scenes)
        run.log_artifact(GOAL / "table.md")
        run.log_artifact(GOAL / "figures")
    write_json(METRICS, metrics)


if __name__ == "__main__":
    run_stage(main)
