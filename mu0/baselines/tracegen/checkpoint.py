"""A TraceGen as a folder that needs nothing else, laid out like μ0's.

    config.json            sizes and options, "method": "tracegen"
    model.safetensors      weights, those of frozen encoders included
    normalizer_stats.json  what a scaled trace and the depth panel mean in pixels and metres
    tokenizer.json         what words mean
    meta.json              how it was made: steps, seed, label

Loading is strict and offline.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from mu0.baselines.strict_weights import load_strict, require_files
from mu0.baselines.tracegen.config import read_config
from mu0.baselines.tracegen.model import TraceGen
from mu0.dataset.statistics import NormalizerStats
from mu0.files import atomic_folder, write_json
from mu0.model.tokenizer import read_tokenizer

CONFIG, WEIGHTS, STATISTICS, TOKENIZER, META = (
    "config.json",
    "model.safetensors",
    "normalizer_stats.json",
    "tokenizer.json",
    "meta.json",
)
FILES = (CONFIG, WEIGHTS, STATISTICS, TOKENIZER, META)


def save_tracegen(folder: Path, model: TraceGen, meta: Mapping[str, Any]) -> None:
    """Write the whole folder in one step."""
    weights = {name: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
    with atomic_folder(folder) as temporary:
        model.config.write(temporary / CONFIG)
        model.statistics.write(temporary / STATISTICS)
        model.tokenizer.write(temporary / TOKENIZER)
        write_json(temporary / META, dict(meta))
        save_file(weights, temporary / WEIGHTS)


def load_tracegen(folder: Path) -> TraceGen:
    """Rebuild a saved model, in evaluation mode, on the CPU.

    Raises:
        CheckpointError: A file is missing or damaged, or config, code and weights do not fit each other.
    """
    require_files(folder, FILES, "tracegen")
    config = read_config(folder / CONFIG)
    tokenizer = read_tokenizer(folder / TOKENIZER, config.max_text_tokens)
    with torch.random.fork_rng(devices=[]):  # the initial weights are replaced; nobody's randomness moves
        model = TraceGen(config, tokenizer, NormalizerStats.read(folder / STATISTICS))
    load_strict(model, folder / WEIGHTS)
    return model.eval()
