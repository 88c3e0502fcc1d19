"""A world model as a folder; what is in it: mu0/model/checkpoint_folder.py."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mu0.dataset.statistics import NormalizerStats
from mu0.files import read_json
from mu0.model import checkpoint_folder
from mu0.model.checkpoint_folder import CONFIG, META, STATISTICS, TOKENIZER, WEIGHTS
from mu0.model.config import read_config
from mu0.model.tokenizer import read_tokenizer
from mu0.model.world_model import TraceWorldModel


def save_checkpoint(folder: Path, model: TraceWorldModel, meta: Mapping[str, Any]) -> None:
    """Write the whole folder in one step."""
    checkpoint_folder.write_folder(folder, model, meta)


def load_checkpoint(folder: Path) -> TraceWorldModel:
    """Rebuild a saved model, in evaluation mode, on the CPU.

    Raises:
        CheckpointError: A file is missing or damaged, or config, code and weights do not fit each other.
    """
    require_files(folder)
    config = read_config(folder / CONFIG)
    tokenizer = read_tokenizer(folder / TOKENIZER, config.max_text_tokens)
    with torch.device("meta"):  # no initial weights: they would take time and memory to be replaced
        model = TraceWorldModel(config, tokenizer, NormalizerStats.read(folder / STATISTICS))
    checkpoint_folder.fill_weights(model.to_empty(device="cpu"), folder / WEIGHTS)
    return model.eval()


def require_files(folder: Path) -> None:
    """Check that a folder holds all files of a world model.

    Raises:
        CheckpointError: It does not; says which are missing.
    """
    checkpoint_folder.require_files(folder, "a world model", "train one with `mu0 run world_model`")


def read_meta(folder: Path) -> dict[str, Any]:
    """How the model was made."""
    return dict(read_json(folder / META))
