"""Everything that follows from a stage graph alone: assets, checks, one job over all, the sync sensor."""

import hashlib

import dagster as dg

from orchestration.bridge.assets import build_assets, build_external_assets
from orchestration.bridge.checks import build_checks
from orchestration.bridge.lock import lock_file
from orchestration.bridge.presence import glance
from orchestration.bridge.project import Project
from orchestration.bridge.sync import sync

SENSOR_INTERVAL_S = 30


def build_definitions(
    project: Project, *, job: str = "everything", sensor: str = "dvc_lock_sync"
) -> dg.Definitions:
    """Dagster's view of a pipeline; steps run in one process, because stages are processes themselves.

    Args:
        project: The pipeline and where it lives.
        job: Name of the job that runs all stages of this pipeline, and none of another one.
        sensor: Name of the sensor that watches its lock file.
    """
    return dg.Definitions(
        assets=[*build_external_assets(project), *build_assets(project)],
        asset_checks=build_checks(project),
        jobs=[
            dg.define_asset_job(
                job,
                own_assets(project),
                description=f"All stages of {project.pipeline.dvc_yaml}.",
                executor_def=dg.in_process_executor,
            )
        ],
        sensors=[build_sync_sensor(project, sensor)],
        executor=dg.in_process_executor,
    )


def own_assets(project: Project) -> dg.AssetSelection:
    """What the stages of this pipeline write."""
    return dg.AssetSelection.assets(
        *(artifact.name for stage in project.pipeline.all_stages for artifact in stage.outputs)
    )


def build_sync_sensor(project: Project, name: str = "dvc_lock_sync") -> dg.SensorDefinition:
    """Looks at dvc.lock and at what lies here; when either changed, reports it. It starts no run."""

    @dg.sensor(
        name=name,
        minimum_interval_seconds=SENSOR_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Shows in Dagster what `dvc repro`, `dvc checkout` or `dvc pull` did in a shell.",
    )
    def dvc_lock_sync(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        current = _fingerprint(project)
        if current == context.cursor:
            return dg.SkipReason("dvc.lock is unchanged.")
        reported = sync(context.instance, project)
        context.update_cursor(current)
        return dg.SkipReason(f"Reported {', '.join(reported)}." if reported else "Nothing new in dvc.lock.")

    return dvc_lock_sync


def _fingerprint(project: Project) -> str:
    """New when DVC recorded something, and when an artifact came, went or was replaced."""
    path = project.root / lock_file(project.pipeline)
    recorded = path.read_bytes() if path.is_file() else b"absent"
    return hashlib.sha256(recorded + glance(project).encode()).hexdigest()
