"""What is shown beside a materialisation: numbers, figures, MLflow run, md5; and a check's verdict."""

import json
from pathlib import Path
from typing import Any

import dagster as dg

from assets_defs.graph import Artifact, Stage
from orchestration.bridge.verdicts import Verdict

REPORT_MD5 = "report_md5"
LAST_RUNS = ".mu0_cache/mlflow"
MAX_FIGURES = 12
FIGURE_SUFFIXES = (".png", ".html", ".mp4", ".md")

Metadata = dict[str, dg.MetadataValue[Any]]


def stage_metadata(stage: Stage, artifact: Artifact, md5: str, root: Path) -> Metadata:
    """Metadata of one artifact as its stage left it."""
    metadata: Metadata = {
        "path": dg.MetadataValue.path(root / artifact.path),
        "dvc_md5": dg.MetadataValue.text(md5),
    }
    own = [path for path in stage.metrics if Path(path).stem == artifact.name]
    for metrics_file in own or stage.metrics:
        for name, value in _numbers(_json_or_empty(root / metrics_file)).items():
            metadata[f"metrics/{name}"] = dg.MetadataValue.float(value)
    for figure in _figures(root / artifact.path):
        name = figure.relative_to(root / artifact.path).as_posix()
        metadata[f"figure/{name}"] = dg.MetadataValue.path(figure)
    names = (artifact.name, stage.name)  # a stage that trains several models has a run for each
    last_run = next((run for name in names if (run := _json_or_empty(root / LAST_RUNS / f"{name}.json"))), {})
    if last_run.get("run_id"):
        metadata["mlflow_run_id"] = dg.MetadataValue.text(str(last_run["run_id"]))
    if str(last_run.get("url", "")).startswith("http"):
        metadata["mlflow_run"] = dg.MetadataValue.url(str(last_run["url"]))
    return metadata


def report_metadata(verdict: Verdict | None) -> tuple[bool, dg.AssetCheckSeverity, Metadata]:
    """What a check's report says: passed, the severity of what is broken, and the broken expectations."""
    results = verdict.report.get("results", []) if verdict else []
    broken = [result for result in results if not result["success"]]
    critical = [result for result in broken if result["severity"] == "critical"]
    severity = dg.AssetCheckSeverity.ERROR if critical else dg.AssetCheckSeverity.WARN
    metadata: Metadata = {
        "n_expectations": dg.MetadataValue.int(len(results)),
        "n_broken": dg.MetadataValue.int(len(broken)),
        "n_critical": dg.MetadataValue.int(len(critical)),
        "broken": dg.MetadataValue.json(broken),
    }
    if verdict and verdict.md5:
        metadata["report"] = dg.MetadataValue.path(verdict.path)
        metadata[REPORT_MD5] = dg.MetadataValue.text(verdict.md5)
    return bool(verdict and verdict.report) and not broken, severity, metadata


def _numbers(content: Any, prefix: str = "") -> dict[str, float]:
    if isinstance(content, bool):
        return {prefix: float(content)}
    if isinstance(content, int | float):
        return {prefix: float(content)}
    if not isinstance(content, dict):
        return {}
    found: dict[str, float] = {}
    for key, value in content.items():
        found |= _numbers(value, f"{prefix}/{key}" if prefix else str(key))
    return found


def _figures(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return sorted(item for item in path.iterdir() if item.suffix in FIGURE_SUFFIXES)[:MAX_FIGURES]


def _json_or_empty(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content = json.loads(path.read_text())
    return content if isinstance(content, dict) else {}
