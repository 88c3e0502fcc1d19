"""A tokenised VLM as a folder that needs nothing else; the files are those of a world model.

Loading is strict: a missing file, a config of another method, a missing or unexpected weight is an error that
names it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from mu0.baselines.strict_weights import load_strict, require_files
from mu0.baselines.token_vlm.config import METHOD, read_token_vlm_config
from mu0.baselines.token_vlm.model import TokenVlm
from mu0.dataset.statistics import NormalizerStats
from mu0.files import atomic_folder, write_json
from mu0.model.checkpoint import CONFIG, FILES, META, STATISTICS, TOKENIZER, WEIGHTS
from mu0.model.tokenizer import read_tokenizer


def save_token_vlm(folder: Path, model: TokenVlm, meta: Mapping[str, Any]) -> None:
    """Write the whole folder in one step."""
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    with atomic_folder(folder) as temporary:
        model.config.write(temporary / CONFIG)
        model.statistics.write(temporary / STATISTICS)
        model.tokenizer.write(temporary / TOKENIZER)
        write_json(temporary / META, dict(meta))
        save_file(weights, temporary / WEIGHTS)


def load_token_vlm(folder: Path) -> TokenVlm:
    """Rebuild a saved model, in evaluation mode, on the CPU; offline.

    Raises:
        CheckpointError: A file is missing or damaged, or config, code and weights do not fit each other.
    """
    require_files(folder, FILES, METHOD)
    config = read_token_vlm_config(folder / CONFIG)
    tokenizer = read_tokenizer(folder / TOKENIZER, config.backbone.max_text_tokens)
    with torch.random.fork_rng(devices=[]):  # the initial weights are replaced; nobody's randomness moves
        model = TokenVlm(config, tokenizer, NormalizerStats.read(folder / STATISTICS))
    load_strict(model, folder / WEIGHTS)
    return model.eval()
