"""Stage `captions`: every episode is cut into events, and every event gets its texts."""

from pathlib import Path

from assets_defs.entry import run_stage
from assets_defs.sections import section
from mu0.params.extract import CaptionsParams
from mu0.traceextract.captions.official_files import write_captions

EXTRACTED_TRACES = Path("data/extracted_traces")
CAPTIONS = Path("data/captions")
CACHE = Path(".mu0_cache/captions")


def main() -> None:
    """Caption all episodes."""
    write_captions(EXTRACTED_TRACES, CAPTIONS, section("captions", CaptionsParams), CACHE)


if __name__ == "__main__":
    run_stage(main)
