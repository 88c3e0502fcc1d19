"""A fresh tokenised VLM for a dataset, and the name of its training; `mu0.training.rival` trains it."""

import dataclasses
import hashlib
import json
from pathlib import Path

import torch

from mu0.baselines.token_vlm.config import TokenVlmConfig
from mu0.baselines.token_vlm.model import TokenVlm
from mu0.dataset.windows import TraceWindows
from mu0.files import sha256_of_tree
from mu0.model.tokenizer import train_tokenizer
from mu0.params.world_model import TrainParams
from mu0.training.world_model import captions_of


def build_token_vlm(config: TokenVlmConfig, windows: TraceWindows, seed: int) -> TokenVlm:
    """A model with random weights that depend on `seed` only; its vocabulary comes from the captions."""
    sizes = config.backbone
    tokenizer = train_tokenizer(captions_of(windows), sizes.vocabulary_size, sizes.max_text_tokens)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TokenVlm(config, tokenizer, windows.statistics)


def token_vlm_key(config: TokenVlmConfig, train: TrainParams, dataset: Path, train_s: float | None) -> str:
    """Names the folder of an interrupted training: it goes on only for equal params, sizes and data."""
    content = {
        "config": dataclasses.asdict(config),
        "train": train.model_dump(),
        "train_s": train_s,
        "dataset": sha256_of_tree(dataset),
        "threads": torch.get_num_threads(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
