"""Check stages -> blocking asset checks: what depends on bad data does not run, in Dagster as in DVC."""

import dagster as dg

from assets_defs.graph import Stage
from orchestration.bridge.assets import run_in_dagster
from orchestration.bridge.metadata import report_metadata
from orchestration.bridge.project import Project
from orchestration.bridge.verdicts import failed_verdict, passed_verdict


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
        failed = (
            run.outcome == "failed"
        )  # DVC's word: whatever reports lie around, a stage that ended well passed
        verdict = failed_verdict(project, stage) if failed else passed_verdict(project, stage)
        passed, severity, metadata = report_metadata(verdict)
        if failed:
            passed, severity = False, dg.AssetCheckSeverity.ERROR
            metadata["last_lines"] = dg.MetadataValue.md(f"```\n{run.tail}\n```")
        return dg.AssetCheckResult(
            passed=passed,
            severity=severity,
            description=run.tail.splitlines()[-1] if failed and run.tail else None,
            metadata={**metadata, "outcome": run.outcome, "seconds": run.seconds},
        )

    return check
