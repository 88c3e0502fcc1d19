"""`dvc.lock`, typed: what DVC recorded when each stage last ran.

The file is read, never locked, so that a sensor can look while a stage runs (`dvc status` would refuse).
YAML is
read as DVC reads it (YAML 1.2: `1e-3` is a number).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from assets_defs.chain import PIPELINE
from assets_defs.graph import Pipeline

PARAMS_FILE = "params.yaml"


@dataclass(frozen=True)
class LockedStage:
    """One stage of `dvc.lock`."""

    command: str
    dependency_md5: dict[str, str]
    output_md5: dict[str, str]
    params: dict[str, Any]
    output_bytes: dict[str, int] = field(default_factory=dict)
    output_files: dict[str, int] = field(default_factory=dict)  # of folders only


def lock_file(pipeline: Pipeline) -> Path:
    """Where DVC records what it did, relative to the project: beside the pipeline's file."""
    return Path(pipeline.dvc_yaml).with_suffix(".lock")


def read_lock(root: Path, pipeline: Pipeline = PIPELINE) -> dict[str, LockedStage]:
    """Stages by name, those of an upstream pipeline included; empty before the first `dvc repro`."""
    upstream = read_lock(root, pipeline.upstream) if pipeline.upstream else {}
    stages = read_yaml(root / lock_file(pipeline)).get("stages", {})
    return upstream | {name: _locked_stage(entry) for name, entry in stages.items()}


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; empty where there is none."""
    if not path.is_file():
        return {}
    return YAML(typ="safe").load(path) or {}


def _locked_stage(entry: dict[str, Any]) -> LockedStage:
    return LockedStage(
        command=entry["cmd"],
        dependency_md5={item["path"]: item["md5"] for item in entry.get("deps", [])},
        output_md5={item["path"]: item["md5"] for item in entry.get("outs", [])},
        params=entry.get("params", {}).get(PARAMS_FILE, {}),
        output_bytes={item["path"]: item["size"] for item in entry.get("outs", []) if "size" in item},
        output_files={item["path"]: item["nfiles"] for item in entry.get("outs", []) if "nfiles" in item},
    )
