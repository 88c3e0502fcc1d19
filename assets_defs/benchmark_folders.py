"""Where the trace benchmark finds what is known to the trained methods, and what nobody has seen."""

from pathlib import Path

from mu0.dataset.folders import TraceFolders

UNSEEN_ROOT = Path("data/benchmark/unseen")
UNSEEN_TRUTH = UNSEEN_ROOT / "ground_truth_tracks"  # of evaluations only
UNSEEN = TraceFolders(UNSEEN_ROOT, UNSEEN_ROOT / "extracted_traces", UNSEEN_ROOT / "captions")
KNOWN = TraceFolders(Path("data/trace_dataset"), Path("data/extracted_traces"), Path("data/captions"))
