"""Stages -> Dagster assets. The body of each asset is one `dvc repro --single-item`."""

import warnings
from collections.abc import Callable, Iterator

import dagster as dg

from assets_defs.dvc_state import md5_of
from assets_defs.graph import Stage
from orchestration.bridge.execution import StageRun, reproduce
from orchestration.bridge.lock import read_lock
from orchestration.bridge.metadata import stage_metadata
from orchestration.bridge.project import Project
from orchestration.bridge.versions import code_version_now


def build_assets(project: Project) -> list[dg.AssetsDefinition]:
    """One multi-asset per stage that has outputs."""
    return [_build(stage, project) for stage in project.pipeline.all_stages if stage.outputs]


def build_external_assets(project: Project) -> list[dg.SourceAsset]:
    """What people fill by hand: observed, not computed; the version is DVC's md5 of the folder."""
    return [_build_external(name, path, project) for name, path in project.external_assets().items()]


def run_in_dagster(stage: Stage, project: Project, context: dg.OpExecutionContext) -> StageRun:
    """Reproduce a stage with its lines in the run's log."""
    address = project.pipeline.address(stage)
    return reproduce(address, project.root, context.log.info, run_id=context.run_id)


def _build(stage: Stage, project: Project) -> dg.AssetsDefinition:
    code_version = code_version_now(stage, project)
    inputs = list(project.input_paths(stage))
    specs = [
        dg.AssetSpec(
            artifact.name,
            deps=inputs,
            description=artifact.description,
            owners=list(artifact.owners),
            group_name=artifact.group,
            kinds={"dvc", *artifact.kinds},
            code_version=code_version,
            tags={"dvc/stage": stage.name},
            metadata={"path": artifact.path, "dvc_stage": stage.name, "command": stage.command},
        )
        for artifact in stage.outputs
    ]

    @dg.multi_asset(name=f"stage_{stage.name}", specs=specs, can_subset=False)
    def stage_asset(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        run = run_in_dagster(stage, project, context.op_execution_context)
        if run.outcome == "failed":
            raise dg.Failure(
                f"Stage {stage.name} failed.\n{run.tail}",
                metadata={
                    "command": stage.command,
                    "last_lines": dg.MetadataValue.md(f"```\n{run.tail}\n```"),
                },
                allow_retries=False,
            )
        locked = read_lock(project.root, project.pipeline)[stage.name]
        for artifact in stage.outputs:
            md5 = locked.output_md5[artifact.path]
            yield dg.MaterializeResult(
                asset_key=artifact.name,
                data_version=dg.DataVersion(md5),
                metadata={
                    **stage_metadata(stage, artifact, md5, project.root),
                    "outcome": run.outcome,
                    "seconds": run.seconds,
                },
            )

    return stage_asset


def _build_external(name: str, path: str, project: Project) -> dg.SourceAsset:
    def observe() -> dg.DataVersion:
        return dg.DataVersion(md5_of(project.root / path) or "missing")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        decorate: Callable[..., dg.SourceAsset] = dg.observable_source_asset(
            name=name,
            group_name="sources",
            description=f"What you put into `{path}`.",
            metadata={"path": path},
            tags={"dvc/external": path.replace("/", "_")},
        )
        return decorate(observe)
