"""A tokenised VLM as a folder laid out like μ0's (mu0/model/checkpoint_folder.py)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mu0.baselines.token_vlm.config import read_token_vlm_config
from mu0.baselines.token_vlm.model import TokenVlm
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


def save_token_vlm(folder: Path, model: TokenVlm, meta: Mapping[str, Any]) -> None:
    """Write the whole folder in one step."""
    write_folder(folder, model, meta)


def load_token_vlm(folder: Path) -> TokenVlm:
    """Rebuild a saved model, in evaluation mode, on the CPU; offline.

    Raises:
        CheckpointError: A file is missing or damaged, or config, code and weights do not fit each other.
    """
    require_files(folder, "a tokenised VLM", "train one with `python -m assets_defs.token_vlm.stage`")
    config = read_token_vlm_config(folder / CONFIG)
    tokenizer = read_tokenizer(folder / TOKENIZER, config.backbone.max_text_tokens)
    with torch.random.fork_rng(devices=[]):  # the initial weights are replaced; nobody's randomness moves
        model = TokenVlm(config, tokenizer, NormalizerStats.read(folder / STATISTICS))
    fill_weights(model, folder / WEIGHTS)
    return model.eval()
