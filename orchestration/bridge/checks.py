"""Check stages -> blocking asset checks: what depends on bad data does not run, in Dagster as in DVC."""

import dagster as dg

from assets_defs.graph import Stage
from orchestration.bridge.assets import run_in_dagster
from orchestration.bridge.lock import read_lock
from orchestration.bridge.metadata import REPORT_MD5, report_metadata
from orchestration.bridge.project import Project


def build_checks(project: Project) -> list[dg.AssetChecksDefinition]:
    """One blocking asset check per check stage."""
    return [_build(stage, project) for stage in project.pipeline.all_stages if stage.checks]


def _build(stage: Stage, project: Project) -> dg.AssetChecksDefinition:
    assert stage.checks

    @dg.asset_check(
        asset=stage.checks,
        name=stage.name,
        blocking=True,
        description=f"`{stage.command}`: Great Expectations; critical failures stop what depends on it.",
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        run = run_in_dagster(stage, project, context.op_execution_context)
        passed, severity, metadata = report_metadata(stage, project.root)
        if run.outcome == "failed":
            passed, severity = False, dg.AssetCheckSeverity.ERROR
            metadata["last_lines"] = dg.MetadataValue.md(f"```\n{run.tail}\n```")
        elif stage.report:
            md5 = read_lock(project.root, project.pipeline)[stage.name].output_md5[stage.report]
            metadata[REPORT_MD5] = dg.MetadataValue.text(md5)
        return dg.AssetCheckResult(
            passed=passed,
            severity=severity,
            description=run.tail.splitlines()[-1] if run.outcome == "failed" and run.tail else None,
            metadata={**metadata, "outcome": run.outcome, "seconds": run.seconds},
        )

    return check
