"""One graph: dvc.yaml is rendered from it, Dagster's edges are DVC's, stages list the code they run."""

import ast
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from assets_defs.chain import BENCHMARK, EVERY_STAGE, PIPELINE, PIPELINES, TAU0, WHOLE
from assets_defs.graph import Pipeline, Stage
from orchestration.definitions import defs
from orchestration.dvc_yaml import is_current, render_dvc_yaml
from tests.architecture.code_of_stages import entry_module, import_graph, own_modules, source_of


def is_listed(module: str, code: tuple[str, ...]) -> bool:
    path = module.replace(".", "/")
    return any(listed in {path, f"{path}.py"} or path.startswith(f"{listed}/") for listed in code)


def is_docstring_only(module: str) -> bool:
    """Packages hold a docstring and nothing that runs, so a change there changes no result."""
    return Path(module.replace(".", "/"), "__init__.py").is_file()


def rendered_stages() -> dict[str, Any]:
    """Entries of all files, which call no stage by the same name."""
    files = [yaml.safe_load(render_dvc_yaml(pipeline))["stages"] for pipeline in PIPELINES]
    entries = {name: entry for file in files for name, entry in file.items()}
    assert len(entries) == sum(map(len, files))
    return entries


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda pipeline: pipeline.dvc_yaml)
def test_dvc_yaml_is_rendered_from_the_graph(pipeline: Pipeline) -> None:
    assert is_current(pipeline=pipeline), f"{pipeline.dvc_yaml} is not the graph; run `mu0 dvc-yaml`"


@pytest.mark.parametrize(("beside", "job"), [(BENCHMARK, "benchmark_traces"), (TAU0, "tau0")])
def test_what_is_beside_the_main_chain_is_no_part_of_it(beside: Pipeline, job: str) -> None:
    """`dvc repro` in the root runs dvc.yaml: nothing in it may wait for the benchmark or for τ0."""
    written = {artifact.name for stage in beside.all_stages for artifact in stage.outputs}
    assert not [stage.name for stage in PIPELINE.all_stages if set(stage.inputs) & written]
    graph = defs.resolve_job_def("everything").asset_layer.selected_asset_keys
    assert not {key.to_user_string() for key in graph} & written
    graph = defs.resolve_job_def(job).asset_layer.selected_asset_keys
    assert {key.to_user_string() for key in graph} == written


def test_definitions_load() -> None:
    dg.Definitions.validate_loadable(defs)
    shown = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    assert set(WHOLE.artifacts) <= shown
    assert set(PIPELINE.artifacts) <= set(BENCHMARK.artifacts) & set(TAU0.artifacts)


def test_dagster_edges_equal_dvc_edges() -> None:
    graph = defs.resolve_asset_graph()
    stage_of = {key: graph.get(key).tags.get("dvc/stage") for key in graph.get_all_asset_keys()}
    dagster_edges = {
        (stage_of[parent], stage_of[key])
        for key in stage_of
        for parent in graph.get(key).parent_keys
        if stage_of[parent]
    }
    stages = rendered_stages()
    writer = {out: name for name, entry in stages.items() for out in entry["outs"]}
    dvc_edges = {
        (writer[out], name)
        for name, entry in stages.items()
        for path in entry["deps"]
        for out in writer
        if Path(path).is_relative_to(out)
    }
    between_assets = {
        edge for edge in dvc_edges if not edge[0].startswith("check_") and not edge[1].startswith("check_")
    }
    assert dagster_edges == between_assets
    assert between_assets


def test_every_check_stage_is_a_blocking_asset_check() -> None:
    graph = defs.resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get(key).blocking}
    assert blocking == {stage.name for stage in EVERY_STAGE if stage.checks}


def test_consumers_wait_for_the_checks_of_their_inputs() -> None:
    stages = rendered_stages()
    for stage in EVERY_STAGE:
        for name in stage.inputs:
            check = WHOLE.check_of.get(name)
            if check and not stage.checks:
                assert check.report in stages[stage.name]["deps"]


@pytest.mark.parametrize("stage", EVERY_STAGE, ids=lambda stage: stage.name)
def test_all_listed_code_exists(stage: Stage) -> None:
    assert [path for path in stage.code if not Path(path).exists()] == []


@pytest.mark.parametrize("stage", EVERY_STAGE, ids=lambda stage: stage.name)
def test_a_stage_lists_all_code_that_it_imports(stage: Stage) -> None:
    entry = entry_module(stage)
    used = {entry, *import_graph().find_upstream_modules(entry)}
    missing = sorted(m for m in used if not is_listed(m, stage.code) and not is_docstring_only(m))
    assert not missing, f"stage `{stage.name}` runs {missing} but does not list them in its asset.py"


def sections_read(module: str) -> set[str]:
    """Names in `section("NAME", ...)`, in a module and in what it imports of assets_defs."""
    calls = [
        node
        for name in {module, *own_modules(module)}
        for node in ast.walk(ast.parse(source_of(name)))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "section"
    ]
    return {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}


@pytest.mark.parametrize("stage", EVERY_STAGE, ids=lambda stage: stage.name)
def test_a_stage_lists_all_params_that_it_reads(stage: Stage) -> None:
    read = sections_read(entry_module(stage))
    assert read <= {name.split(".")[0] for name in stage.params}, (
        "add the sections to the stage in its asset.py"
    )
    assert read or not stage.params or stage.checks, "it lists sections and reads none"


def test_jobs_cover_the_chain() -> None:
    names = {job.name for job in defs.resolve_all_job_defs()}
    chain = {"everything", "data_engine", "world_model", "policy", "benchmark_traces", "tau0"}
    assert chain | {"promotion", "rollback"} <= names
