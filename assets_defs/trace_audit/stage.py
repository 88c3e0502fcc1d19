"""Stage `trace_audit`: extracted traces of simulated clips against exact truth."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assets_defs.entry import run_stage
from assets_defs.sections import section
from mu0.episodes.read import list_episodes, read_episode
from mu0.evaluation.traces.audit import Truth, audit_episode
from mu0.files import atomic_file, atomic_folder, write_json
from mu0.params.extract import TraceAuditParams
from mu0.progress import track

EPISODES = Path("data/extracted_traces")
TRUTH = Path("data/ground_truth_tracks")
REPORT = Path("reports/trace_audit")
METRICS = Path("reports/trace_audit_metrics.json")


def main() -> None:
    """Audit up to `trace_audit.max_clips` episodes per source that have a truth."""
    limit = section("trace_audit", TraceAuditParams).max_clips
    rows = []
    for source in sorted({folder.parent for folder in list_episodes(EPISODES)}):
        pairs = [(folder, TRUTH / source.name / f"{folder.name}.npz") for folder in list_episodes(source)]
        pairs = [(folder, truth) for folder, truth in pairs if truth.exists()][:limit]
        rows += [
            audit_episode(read_episode(folder), read_truth(truth))
            for folder, truth in track(pairs, f"audit {source.name}")
        ]
    table = pd.DataFrame(rows, columns=None if rows else ["episode_id", "source", "n_tracks", "n_audited"])
    summary = summarize(table)
    with atomic_folder(REPORT) as folder:
        with atomic_file(folder / "audit.parquet") as temporary:
            table.to_parquet(temporary, index=False)
        write_json(folder / "summary.json", summary)
    write_json(METRICS, summary)


def read_truth(path: Path) -> Truth:
    """The exact tracks of one clip."""
    with np.load(path, allow_pickle=False) as arrays:
        return Truth(*(arrays[n] for n in ("points_world", "visible", "camera_from_world", "intrinsics")))


def summarize(table: pd.DataFrame) -> dict[str, dict[Any, float | None]]:
    """Means over episodes by source; None where nothing could be compared."""
    return {
        str(source): {
            "n_episodes": len(part),
            **{k: None if pd.isna(v) else float(v) for k, v in part.mean(numeric_only=True).items()},
        }
        for source, part in table.groupby("source")
    }


if __name__ == "__main__":
    run_stage(main)
