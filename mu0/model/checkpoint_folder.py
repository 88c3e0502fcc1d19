"""The folder that every trained trace model is saved as: μ0 and its learned rivals alike.

    config.json            sizes and options
    model.safetensors      weights, those of frozen encoders included
    normalizer_stats.json  what a scaled trace means in pixels and metres
    tokenizer.json         what words mean
    meta.json              how it was made: steps, seed, label

Nothing else is needed to load it: no network, no second file to carry along. Loading is strict: a missing
file, a missing or unexpected weight or one of another shape is an error that names it.

Entry points
    write_folder    a model -> the folder, in one step
    require_files   the folder is complete
    fill_weights    the weights of a file into a model
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from mu0.errors import CheckpointError
from mu0.files import atomic_folder, write_json
from mu0.model.tensor_files import save_tensors

CONFIG, WEIGHTS, STATISTICS, TOKENIZER, META = (
    "config.json",
    "model.safetensors",
    "normalizer_stats.json",
    "tokenizer.json",
    "meta.json",
)
FILES = (CONFIG, WEIGHTS, STATISTICS, TOKENIZER, META)
N_SHOWN = 5


@runtime_checkable
class Writable(Protocol):
    """What stores itself in one file."""

    def write(self, path: Path) -> None:
        """Store."""


@runtime_checkable
class Saveable(Protocol):
    """What is needed of a model to be saved."""

    @property
    def config(self) -> Writable:
        """Sizes and options."""

    @property
    def statistics(self) -> Writable:
        """Of the training data."""

    @property
    def tokenizer(self) -> Writable:
        """Words."""

    def state_dict(self) -> Mapping[str, Tensor]:
        """The weights."""


def write_folder(folder: Path, model: Saveable, meta: Mapping[str, Any]) -> None:
    """Write the whole folder in one step.

    Args:
        folder: Replaced if it exists.
        model: Of any kind that has a config, statistics and a tokenizer.
        meta: How it was made.
    """
    with atomic_folder(folder) as temporary:
        model.config.write(temporary / CONFIG)
        model.statistics.write(temporary / STATISTICS)
        model.tokenizer.write(temporary / TOKENIZER)
        write_json(temporary / META, dict(meta))
        save_tensors(_separate(model.state_dict()), temporary / WEIGHTS)


def require_files(folder: Path, what: str, remedy: str) -> None:
    """Check that a folder is complete.

    Args:
        folder: To look into.
        what: What it should be, for the message: "a world model".
        remedy: How to get one, for the message.

    Raises:
        CheckpointError: Files are missing; says which.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(
            f"{folder} lacks {', '.join(missing)}.",
            expected=f"{what}: {', '.join(FILES)}",
            remedy=f"{remedy}, or name the right folder.",
        )


def fill_weights(model: nn.Module, path: Path) -> None:
    """Fill a model tensor by tensor, so that a large one is in memory once; smaller types are widened.

    Raises:
        CheckpointError: The file cannot be read, or weights are missing, unexpected or of another shape.
    """
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
            remedy="run `mu0 verify --fix`, which puts back what DVC's cache holds, or train again.",
        ) from error


def _separate(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """On the CPU, one memory per name: safetensors refuses names that share theirs."""
    separate: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, value in weights.items():
        plain = value.detach().cpu().contiguous()
        separate[name] = plain.clone() if plain.data_ptr() in seen else plain
        seen.add(plain.data_ptr())
    return separate


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
