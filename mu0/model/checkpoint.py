"""A world model as a folder that needs nothing else: no network, no second file to carry along.

    config.json            sizes and options
    model.safetensors      weights (a frozen DINOv2, if any, included)
    normalizer_stats.json  what a scaled trace means in pixels and metres
    tokenizer.json         what words mean
    meta.json              how it was made: steps, seed, label

Loading is strict: a missing file, another config, a missing or unexpected weight is an error that names it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mu0.dataset.statistics import NormalizerStats
from mu0.errors import CheckpointError
from mu0.files import atomic_folder, read_json, write_json
from mu0.model.config import read_config
from mu0.model.tokenizer import read_tokenizer
from mu0.model.world_model import TraceWorldModel

CONFIG, WEIGHTS, STATISTICS, TOKENIZER, META = (
    "config.json",
    "model.safetensors",
    "normalizer_stats.json",
    "tokenizer.json",
    "meta.json",
)
FILES = (CONFIG, WEIGHTS, STATISTICS, TOKENIZER, META)
N_SHOWN = 5


def save_checkpoint(folder: Path, model: TraceWorldModel, meta: Mapping[str, Any]) -> None:
    """Write the whole folder in one step."""
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    with atomic_folder(folder) as temporary:
        model.config.write(temporary / CONFIG)
        model.statistics.write(temporary / STATISTICS)
        model.tokenizer.write(temporary / TOKENIZER)
        write_json(temporary / META, dict(meta))
        save_file(weights, temporary / WEIGHTS)


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
    _load_weights(model.to_empty(device="cpu"), folder / WEIGHTS)
    return model.eval()


def require_files(folder: Path) -> None:
    """Check that a folder holds all files of a world model.

    Raises:
        CheckpointError: It does not; says which are missing.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(
            f"{folder} lacks {', '.join(missing)}.",
            expected=f"a world model: {', '.join(FILES)}",
            remedy="train one with `mu0 run world_model`, or name the right folder.",
        )


def read_meta(folder: Path) -> dict[str, Any]:
    """How the model was made."""
    return dict(read_json(folder / META))


def _load_weights(model: TraceWorldModel, path: Path) -> None:
    """Fill a model tensor by tensor, so that a large one is in memory once; smaller types are widened."""
    own = model.state_dict()
    try:
        with safe_open(path, framework="pt") as stored:
            shapes = {name: tuple(stored.get_slice(name).get_shape()) for name in stored.keys()}  # noqa: SIM118
            _check_shapes(own, shapes, path)
            for name, value in own.items():
                value.copy_(stored.get_tensor(name))
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} cannot be read: {error}.",
            expected="a complete safetensors file",
            remedy="restore the file (`dvc checkout`), or train again.",
        ) from error


def _check_shapes(own: Mapping[str, Tensor], stored: Mapping[str, tuple[int, ...]], path: Path) -> None:
    differing = sorted(name for name in own if name in stored and stored[name] != tuple(own[name].shape))
    faults = [
        _some("missing", sorted(set(own) - set(stored))),
        _some("unexpected", sorted(set(stored) - set(own))),
        _some("of another shape", differing),
    ]
    if any(faults):
        raise CheckpointError(
            f"The weights in {path} do not fit its config: {'; '.join(fault for fault in faults if fault)}.",
            expected=f"the {len(own)} tensors of a model with this config.json",
            remedy="do not mix files of different checkpoints; train again if the code has changed.",
        )


def _some(what: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - N_SHOWN} more" if len(names) > N_SHOWN else ""
    return f"{what}: {', '.join(names[:N_SHOWN])}{more}"
