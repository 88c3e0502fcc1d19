"""Batches that broke the training, kept for a person to look at (numbers and JSON, no pickle)."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from mu0.errors import StageError
from mu0.files import write_json
from mu0.model.tensor_files import save_tensors


def dump_bad_batch(work_folder: Path, step: int, batch: Any, row: dict[str, float], rank: int = 0) -> Path:
    """Write the tensors of `batch` (a dataclass or mapping), its other fields, and the row of the log."""
    folder = work_folder / "bad_batches" / f"step_{step:08d}{f'_process_{rank}' if rank else ''}"
    folder.mkdir(parents=True, exist_ok=True)
    tensors, rest = {}, {}
    for name, value in _fields(batch).items():
        if isinstance(value, Tensor):
            tensors[name] = value.detach().cpu().contiguous()
        else:
            rest[name] = value
    save_tensors(tensors, folder / "batch.safetensors")
    write_json(folder / "summary.json", {"row": json.loads(json.dumps(row)), "fields": _as_text(rest)})
    return folder


def _fields(batch: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(batch):
        return dict(vars(batch))
    return dict(batch) if isinstance(batch, Mapping) else {"batch": batch}


def _as_text(fields: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in fields.items()}


def too_many_bad_batches(n_bad: int, n_steps: int, folder: Path) -> StageError:
    """The error that ends a training which has gone wrong."""
    return StageError(
        f"{n_bad} of {n_steps} batches had a loss or gradient that is not finite; the last is in {folder}.",
        expected="finite losses",
        remedy="look at the dumped batch, lower `lr` in params.yaml, and delete the training's folder "
        f"{folder.parent.parent} to start again.",
    )
