"""What a check says about its artifact as it is now, whatever reports of earlier days lie around.

A check that passes leaves a report that DVC keeps and records. A check that fails leaves its report in
`reports/checks_failed/`, and nobody takes it away when the data are mended and DVC restores the passed report
from its run cache, when another commit is checked out or when params are set back. So a report counts only
for what it judged: the passed one for the versions in dvc.lock, the failed one for the files and params whose
md5s it holds (`judged`).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets_defs.dvc_state import md5_of
from assets_defs.graph import Stage
from orchestration.bridge.lock import LockedStage
from orchestration.bridge.project import Project
from orchestration.bridge.versions import code_version_locked, code_version_now

FAILED_REPORTS = "reports/checks_failed"


@dataclass(frozen=True)
class Verdict:
    """A report and where it lies; empty where a check left none."""

    path: Path
    md5: str | None
    report: dict[str, Any]


def current_verdict(project: Project, stage: Stage, lock: dict[str, LockedStage]) -> Verdict | None:
    """The verdict on the artifact as dvc.lock records it; None where no report on this disk is about that.

    A recorded pass under the present code and params goes before everything; then comes a failure of what
    is here now; then a pass under earlier code or params, which is still what DVC has.
    """
    passed = _recorded_pass(project, stage, lock)
    if passed and code_version_locked(stage, lock[stage.name]) == code_version_now(stage, project):
        return passed
    failed = failed_verdict(project, stage)
    return failed if failed and failed.report.get("judged") else passed


def passed_verdict(project: Project, stage: Stage) -> Verdict:
    """The report that a check left which DVC has just found passed."""
    return _read(project.root / (stage.report or ""))


def failed_verdict(project: Project, stage: Stage) -> Verdict | None:
    """The report of a failure; None where there is none, or where it judged something else than is here."""
    verdict = _read(project.root / FAILED_REPORTS / f"{stage.checks}.json")
    judged = verdict.report.get("judged") or {}
    as_judged = all(md5_of(project.root / path) == md5 for path, md5 in judged.items())
    return verdict if verdict.report and as_judged else None


def _recorded_pass(project: Project, stage: Stage, lock: dict[str, LockedStage]) -> Verdict | None:
    """The report in dvc.lock if it is about the artifact in dvc.lock, and on this disk."""
    locked = lock.get(stage.name)
    if locked is None or not stage.checks or not stage.report:
        return None
    artifact = project.pipeline.artifacts[stage.checks]
    producer = lock.get(project.pipeline.producer_of[stage.checks].name)
    made = producer.output_md5.get(artifact.path) if producer else None
    if not made or made != locked.dependency_md5.get(artifact.path):
        return None
    verdict = passed_verdict(project, stage)
    return verdict if verdict.md5 and verdict.md5 == locked.output_md5.get(stage.report) else None


def _read(path: Path) -> Verdict:
    """Unreadable reports are as good as none: the check writes them anew."""
    try:
        content = json.loads(path.read_text()) if path.is_file() else None
    except (json.JSONDecodeError, UnicodeDecodeError):
        content = None
    return Verdict(path, md5_of(path), content if isinstance(content, dict) else {})
