"""Stage `extracted_traces`: every clip of data/raw_videos becomes a TraceExtract episode."""

from pathlib import Path

from assets_defs.entry import run_stage
from assets_defs.sections import section
from mu0.files import write_json
from mu0.params.extract import ExtractParams
from mu0.traceextract.batch.extract_all import extract_all

RAW_VIDEOS = Path("data/raw_videos")
EXTRACTED_TRACES = Path("data/extracted_traces")
CACHE = Path(".mu0_cache/episodes")
METRICS = Path("reports/extraction/metrics.json")


def main() -> None:
    """Extract what is missing, link everything, report totals."""
    totals = extract_all(RAW_VIDEOS, EXTRACTED_TRACES, CACHE, section("extract", ExtractParams))
    write_json(METRICS, totals)


if __name__ == "__main__":
    run_stage(main)
