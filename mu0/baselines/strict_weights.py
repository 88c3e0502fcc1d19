"""Weights that fit exactly, or an error that lists what does not: no rival is ever half loaded."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from mu0.errors import CheckpointError

N_SHOWN = 5


def require_files(folder: Path, names: tuple[str, ...], stage: str) -> None:
    """Every file of a checkpoint is there.

    Raises:
        CheckpointError: Some are not; the message names them.
    """
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(
            f"{folder} lacks {', '.join(missing)}.",
            expected=f"a checkpoint of the stage {stage}: {', '.join(names)}",
            remedy=f"train one with `python -m mu0.stages.{stage}`, or name the right folder.",
        )


def load_strict(model: nn.Module, path: Path) -> None:
    """Fill `model` with the weights of a safetensors file.

    Raises:
        CheckpointError: The file cannot be read, or weights are missing, unexpected or of another shape.
    """
    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} cannot be read: {error}.",
            expected="a complete safetensors file",
            remedy="restore the file (`dvc checkout`), or train again.",
        ) from error
    own = model.state_dict()
    misshapen = [name for name in sorted(set(own) & set(weights)) if own[name].shape != weights[name].shape]
    faults = {
        "missing": sorted(set(own) - set(weights)),
        "unexpected": sorted(set(weights) - set(own)),
        "of another shape": misshapen,
    }
    if any(faults.values()):
        listed = "; ".join(f"{what}: {_some(names)}" for what, names in faults.items() if names)
        raise CheckpointError(
            f"The weights in {path} do not fit its config: {listed}.",
            expected=f"the {len(own)} tensors of a model with this config.json",
            remedy="do not mix files of different checkpoints; train again if the code has changed.",
        )
    model.load_state_dict(weights)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - N_SHOWN} more" if len(names) > N_SHOWN else ""
    return ", ".join(names[:N_SHOWN]) + more
