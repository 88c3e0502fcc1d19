"""What an audit leaves: a row for all that it looked at, and what they add up to, also as metrics."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mu0.files import atomic_file, atomic_folder, write_json


def write_audit(report: Path, metrics: Path, table: pd.DataFrame, summary: Mapping[str, object]) -> None:
    """Replace the report `audit.parquet` and `summary.json`, and the metrics."""
    with atomic_folder(report) as folder:
        with atomic_file(folder / "audit.parquet") as temporary:
            table.to_parquet(temporary, index=False)
        write_json(folder / "summary.json", summary)
    write_json(metrics, summary)
