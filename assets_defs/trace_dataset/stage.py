"""Stage `trace_dataset`: episodes and captions -> index with splits, normalisation statistics, summary."""

from pathlib import Path

from assets_defs.entry import run_stage
from assets_defs.sections import section
from mu0.dataset.build import build_trace_dataset
from mu0.params.world_model import TraceDatasetParams

EPISODES = Path("data/extracted_traces")
GOAL = Path("data/trace_dataset")


def main() -> None:
    """Build the trace dataset."""
    build_trace_dataset(EPISODES, GOAL, section("trace_dataset", TraceDatasetParams))


if __name__ == "__main__":
    run_stage(main)
