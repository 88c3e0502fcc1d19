"""World model: its files are complete, every weight is finite, training ended with finite numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file

from assets_defs.checks.suite import Suite, facts, finite, not_blank, true
from assets_defs.checks.tables import table_of_numbers
from mu0.errors import CheckpointError

FILES = ("config.json", "model.safetensors", "normalizer_stats.json", "tokenizer.json", "meta.json")
RECORDED = ("loss", "n_parameters", "n_bad_batches", "steps", "n_train_frames", "val")


def suites(root: Path) -> list[Suite]:
    """Suites about models/world_model and its training report."""
    folder = root / "models/world_model"
    complete = all((folder / name).is_file() and (folder / name).stat().st_size for name in FILES)
    return [
        Suite("files", facts(complete=complete), true("complete")),
        Suite("weights", _weights(folder / "model.safetensors"), [*not_blank("name"), *true("finite")]),
        Suite("training", table_of_numbers(root / "reports/training/world_model.json", RECORDED),
              finite("value")),
    ]  # fmt: skip


def _weights(path: Path) -> pd.DataFrame:
    try:
        rows = [(name, _is_finite(values)) for name, values in sorted(_read(path).items())]
    except (FileNotFoundError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} cannot be read: {error}.",
            expected="weights in safetensors format",
            remedy="train again: `mu0 run`.",
        ) from error
    return pd.DataFrame(rows, columns=["name", "finite"])


def _read(path: Path) -> dict[str, Any]:
    """Weights as arrays, without torch, which takes longer to load than all else here."""
    try:
        return dict(load_file(path))
    except TypeError:  # a kind of number that numpy does not know, such as bfloat16
        from safetensors import torch

        return dict(torch.load_file(path))


def _is_finite(values: Any) -> bool:
    return bool((np.isfinite(values) if isinstance(values, np.ndarray) else values.isfinite()).all())
