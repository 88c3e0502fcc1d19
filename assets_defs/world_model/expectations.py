"""World model: its files are complete, every weight is finite, training ended with finite numbers."""

from pathlib import Path

import pandas as pd
from safetensors import SafetensorError
from safetensors.torch import load_file

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
        tensors = load_file(path)
    except (FileNotFoundError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} cannot be read: {error}.",
            expected="weights in safetensors format",
            remedy="train again: `mu0 run`.",
        ) from error
    rows = [(name, bool(tensor.isfinite().all())) for name, tensor in sorted(tensors.items())]
    return pd.DataFrame(rows, columns=["name", "finite"])
