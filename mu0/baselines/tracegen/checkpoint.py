"""A TraceGen as a folder laid out like μ0's (mu0/model/checkpoint_folder.py)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mu0.baselines.tracegen.config import read_config
from mu0.baselines.tracegen.model import TraceGen
from mu0.dataset.statistics import NormalizerStats
from mu0.model.checkpoint_folder import (
    CONFIG,
    STATISTICS,
    TOKENIZER,
    WEIGHTS,
    fill_weights,
    require_files,
    write_folder,
)
from mu0.model.tokenizer import read_tokenizer


def save_tracegen(folder: Path, model: TraceGen, meta: Mapping[str, Any]) -> None:
    """Write the whole folder in one step."""
    write_folder(folder, model, meta)


def load_tracegen(folder: Path) -> TraceGen:
    """Rebuild a saved model, in evaluation mode, on the CPU; offline.

    Raises:
        CheckpointError: A file is missing or damaged, or config, code and weights do not fit each other.
    """
    require_files(folder, "a TraceGen", "train one with `python -m assets_defs.tracegen.stage`")
    config = read_config(folder / CONFIG)
    tokenizer = read_tokenizer(folder / TOKENIZER, config.max_text_tokens)
    with torch.random.fork_rng(devices=[]):  # the initial weights are replaced; nobody's randomness moves
        model = TraceGen(config, tokenizer, NormalizerStats.read(folder / STATISTICS))
    fill_weights(model, folder / WEIGHTS)
    return model.eval()
