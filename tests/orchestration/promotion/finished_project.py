"""What `dvc repro` leaves behind, in miniature."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from mlflow import MlflowClient

from assets_defs.chain import PIPELINE
from assets_defs.dvc_state import md5_of
from assets_defs.graph import Stage
from mu0.files import sha256_of_tree
from orchestration.promotion.registry import Registry, Version
from orchestration.promotion.verify_registry import SHA_TAG

WORLD_METRICS = {
    "mu0_ade_uv": 0.1, "static_ade_uv": 0.2,
    "mu0_minus_static_ade_uv": -0.1, "mu0_minus_static_ade_uv_low": -0.15,
    "mu0_minus_static_ade_uv_high": -0.05,
}  # fmt: skip
UR3_METRICS = {"n_rollouts": 40, "grounded": {"success_rate": 0.3, "success_low": 0.18, "success_high": 0.45}}


def write_model(folder: Path, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(content)


def write_json_file(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def record_in_lock(root: Path) -> None:
    """What `dvc repro` would have written about the present files."""

    def entry(stage: Stage) -> dict[str, Any]:
        outs = (
            [artifact.path for artifact in stage.outputs]
            + list(stage.metrics)
            + ([stage.report] if stage.report else [])
        )
        reads = PIPELINE.dependencies(stage)
        return {
            "cmd": stage.command,
            "deps": [{"path": path, "md5": md5_of(root / path) or "0"} for path in reads],
            "outs": [{"path": path, "md5": md5_of(root / path) or "0"} for path in outs],
        }

    stages = {stage.name: entry(stage) for stage in PIPELINE.all_stages}
    (root / "dvc.lock").write_text(yaml.safe_dump({"stages": stages}))


def register_row(registry: Registry, folder: Path, stage: str, tags: Mapping[str, str]) -> Version:
    """`Registry.register` without stored files: a row of the registry that points to the folder itself."""
    client, sha256 = MlflowClient(), sha256_of_tree(folder)
    if not client.search_registered_models(f"name = '{registry.name}'"):
        client.create_registered_model(registry.name)
    client.create_model_version(registry.name, str(folder), tags={**tags, SHA_TAG: sha256})
    found = registry.find(sha256)
    assert found
    return found
