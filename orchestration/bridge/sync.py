"""dvc.lock -> Dagster: report what DVC recorded elsewhere and lies on this disk, as events without a run.

Called by the sensor, by `mu0 sync` and after every checkout or `dvc pull`. Only differences are
reported, so a second call reports nothing. What is recorded but not here is not reported as made; if Dagster
believed that it is here, an observation says that it is gone.
"""

import dagster as dg

from assets_defs.graph import Artifact, Stage
from orchestration.bridge.event_tags import (
    Recorded,
    code_version_tags,
    data_version_tags,
    input_tags,
    latest_event,
)
from orchestration.bridge.input_versions import input_versions
from orchestration.bridge.lock import LockedStage, read_lock
from orchestration.bridge.metadata import REPORT_MD5, report_metadata, stage_metadata
from orchestration.bridge.presence import REMEDY, not_here
from orchestration.bridge.project import Project
from orchestration.bridge.verdicts import current_verdict
from orchestration.bridge.versions import code_version_locked
from orchestration.running.turns import paths_being_written

ON_DISK = "on_this_disk"


def sync(instance: dg.DagsterInstance, project: Project) -> list[str]:
    """Report every version in dvc.lock that lies here and that Dagster has not seen, and what is gone.

    Returns:
        What was reported, as `asset@md5` or `asset: state`; empty when Dagster was up to date.
    """
    lock = read_lock(project.root, project.pipeline)
    locked_stages = [(stage, lock[stage.name]) for stage in project.pipeline.all_stages if stage.name in lock]
    missing = not_here(project, lock)
    reported: list[str] = []
    for stage, locked in locked_stages:
        reported += _sync_external(instance, project, stage, locked)
        inputs = input_versions(project, stage, lock)
        for artifact in stage.outputs:
            if artifact.name in missing:
                reported += _sync_gone(instance, project, artifact, missing[artifact.name])
            else:
                reported += _sync_artifact(instance, project, stage, locked, artifact, inputs)
    for stage in project.pipeline.all_stages:
        if stage.checks and stage.checks not in missing:
            reported += _sync_check(instance, project, stage, lock)
    return reported


def _sync_external(
    instance: dg.DagsterInstance, project: Project, stage: Stage, locked: LockedStage
) -> list[str]:
    reported = []
    for name, path in project.external_assets().items():
        md5 = locked.dependency_md5.get(path) if path in stage.external else None
        event = latest_event(instance, name, external=True)
        is_here = (project.root / path).exists()
        if md5 and is_here and (event is None or event.data_version != md5):
            instance.report_runless_asset_event(dg.AssetObservation(name, tags=data_version_tags(md5)))
            reported.append(f"{name}@{md5[:8]}")
    return reported


def _sync_artifact(
    instance: dg.DagsterInstance,
    project: Project,
    stage: Stage,
    locked: LockedStage,
    artifact: Artifact,
    inputs: dict[str, str],
) -> list[str]:
    md5 = locked.output_md5.get(artifact.path)
    if md5 is None:
        return []  # dvc.lock is older than the graph
    code_version = code_version_locked(stage, locked)
    event = latest_event(instance, artifact.name, external=False)
    known = event and (event.data_version, event.code_version, event.input_versions)
    if event and known == (md5, code_version, inputs) and not _is_marked_gone(instance, artifact, event):
        return []
    tags = data_version_tags(md5) | code_version_tags(code_version)
    for name, input_md5 in inputs.items():
        external = name in project.external_assets()
        tags |= input_tags(name, input_md5, latest_event(instance, name, external=external))
    instance.report_runless_asset_event(
        dg.AssetMaterialization(
            artifact.name,
            tags=tags,
            description="Recorded by DVC outside Dagster.",
            metadata=stage_metadata(stage, artifact, md5, project.root),
        )
    )
    return [f"{artifact.name}@{md5[:8]}"]


def _sync_gone(instance: dg.DagsterInstance, project: Project, artifact: Artifact, state: str) -> list[str]:
    """Say once that something Dagster shows as made is not here; what a stage is writing comes back soon."""
    event = latest_event(instance, artifact.name, external=False)
    if event is None or _is_marked_gone(instance, artifact, event):
        return []
    if project.root / artifact.path in paths_being_written(project.root):
        return []
    instance.report_runless_asset_event(
        dg.AssetObservation(
            artifact.name, description=f"{REMEDY[state]}.", metadata={ON_DISK: dg.MetadataValue.text(state)}
        )
    )
    return [f"{artifact.name}: {REMEDY[state]}"]


def _is_marked_gone(instance: dg.DagsterInstance, artifact: Artifact, event: Recorded) -> bool:
    """Whether the last word about a materialisation was that it is not on this disk."""
    [*latest] = instance.fetch_observations(dg.AssetKey(artifact.name), limit=1).records
    observed = [record.asset_observation for record in latest if record.storage_id > event.storage_id]
    return any(ON_DISK in observation.metadata for observation in observed if observation)


def _sync_check(
    instance: dg.DagsterInstance, project: Project, stage: Stage, lock: dict[str, LockedStage]
) -> list[str]:
    verdict = current_verdict(project, stage, lock)
    if not verdict or not stage.checks or verdict.md5 == _latest_report_md5(instance, stage):
        return []
    passed, severity, metadata = report_metadata(verdict)
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(stage.checks),
            check_name=stage.name,
            passed=passed,
            severity=severity,
            metadata=metadata,
            blocking=True,
        )
    )
    return [f"{stage.name}@{str(verdict.md5)[:8]}"]


def _latest_report_md5(instance: dg.DagsterInstance, stage: Stage) -> str | None:
    assert stage.checks
    key = dg.AssetCheckKey(dg.AssetKey(stage.checks), stage.name)
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).get(key)
    evaluation = record.evaluation if record else None
    entry = evaluation.metadata.get(REPORT_MD5) if evaluation else None
    return str(entry.value) if entry else None
