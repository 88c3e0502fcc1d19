"""World model: its files are complete, every weight is finite, training ended with finite numbers."""

from pathlib import Path

import pandas as pd
from safetensors import SafetensorError
from safetensors.torch import load_file

from assets_defs.checks.suite import Suite, facts, finite, n_rows, true
from assets_defs.checks.tables import table_of_numbers
from mu0.errors import CheckpointError

FILES = ("config.json", "model.safetensors", "normalizer_stats.json", "tokenizer.json", "meta.json")


def suites(root: Path) -> list[Suite]:
    """Suites about models/world_model and its training report."""
    folder = root / "models/world_model"
    complete = all((folder / name).is_file() for name in FILES)
    return [
        Suite("files", facts(complete=complete), [true("complete")]),
        Suite("weights", _weights(folder / "model.safetensors"), [n_rows(1), true("finite")]),
        Suite(
            "training",
            table_of_numbers(root / "reports/training/world_model.json"),
            [n_rows(1), *finite("value")],
        ),
    ]


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
