"""`dvc.yaml`, rendered from the stage graph; so is the file of the benchmark's pipeline.

Nobody edits a `dvc.yaml` by hand: `mu0 dvc-yaml` writes it and `mu0 dvc-yaml --check` (part of `make check`)
refuses a file that differs from what the graph says. Rendering is a pure function of the graph, so equal
graphs are equal bytes.

Conventions
    outputs   artifacts and check reports are cached by DVC; a report exists only if its check passed
    metrics   cached too: `reports/` is not in git, so the cache is where `dvc metrics diff` finds old numbers
    wdir      every path counts from the project, wherever the file lies
    beside    outside the root's file, metrics and plots are plain outputs: `dvc metrics show` asks every
              pipeline, and would complain of those that nobody has run
"""

from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from assets_defs.chain import PIPELINE
from assets_defs.graph import Pipeline, Stage
from mu0.files import atomic_file

HEADER = "# Written by `mu0 dvc-yaml` from assets_defs/*/asset.py; edit those, not this.\n"


def render_dvc_yaml(pipeline: Pipeline = PIPELINE) -> str:
    """The whole text of `dvc.yaml`."""
    stages = {stage.name: _entry(stage, pipeline) for stage in pipeline.all_stages}
    return HEADER + yaml.safe_dump({"stages": stages}, sort_keys=False, width=120, allow_unicode=True)


def write(path: Path | None = None, pipeline: Pipeline = PIPELINE) -> None:
    """Write the pipeline's file in one step."""
    path = path or Path(pipeline.dvc_yaml)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        temporary.write_text(render_dvc_yaml(pipeline))


def is_current(path: Path | None = None, pipeline: Pipeline = PIPELINE) -> bool:
    """Whether the file says exactly what the graph says."""
    path = path or Path(pipeline.dvc_yaml)
    return path.is_file() and path.read_text() == render_dvc_yaml(pipeline)


def _entry(stage: Stage, pipeline: Pipeline) -> dict[str, Any]:
    outputs = [artifact.path for artifact in stage.outputs] + ([stage.report] if stage.report else [])
    depth = len(PurePosixPath(pipeline.dvc_yaml).parts) - 1
    metrics, plots = list(stage.metrics), [{path: {"x": x, "y": y}} for path, x, y in stage.plots]
    if depth:
        outputs, metrics, plots = [*outputs, *metrics, *(path for path, _, _ in stage.plots)], [], []
    entry: dict[str, Any] = {
        "cmd": stage.command,
        "wdir": "/".join([".."] * depth),
        "deps": list(pipeline.dependencies(stage)),
        "params": list(stage.params),
        "outs": outputs,
        "metrics": metrics,
        "plots": plots,
    }
    return {key: value for key, value in entry.items() if value}
