"""Audits leave the same files: rows, what they add up to, and that again as metrics."""

from pathlib import Path

import pandas as pd

from assets_defs.audit_files import write_audit
from mu0.files import read_json


def test_an_audit_replaces_its_report_and_metrics(tmp_path: Path) -> None:
    report, metrics = tmp_path / "reports/audit", tmp_path / "reports/audit_metrics.json"
    report.mkdir(parents=True)
    (report / "old").touch()
    table = pd.DataFrame({"clip": ["a"], "error_m": [0.5]})
    write_audit(report, metrics, table, {"source": {"error_m": 0.5}})
    assert sorted(path.name for path in report.iterdir()) == ["audit.parquet", "summary.json"]
    pd.testing.assert_frame_equal(pd.read_parquet(report / "audit.parquet"), table)
    assert read_json(metrics) == read_json(report / "summary.json") == {"source": {"error_m": 0.5}}
