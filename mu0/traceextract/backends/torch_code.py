"""What the adapters of user-installed torch code share: checkpoints without pickles, and precision."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mu0.params.learned import LearnedParams
from mu0.traceextract.backends.loading import Weights, device_of, dtype_of

if TYPE_CHECKING:
    import torch


def read_state(weights: Weights, path: Path) -> dict[str, "torch.Tensor"]:
    """The tensors of a checkpoint; anything else in it would be code, and is refused.

    Raises:
        WeightsError: The file is damaged or holds more than tensors.
    """
    import pickle

    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise weights.missing(str(error).strip().partition("\n")[0]) from error
    if isinstance(state, dict) and isinstance(inner := state.get("state_dict", state.get("model")), dict):
        state = inner
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise weights.missing("it is not a dictionary of tensors")
    return state


def fill(weights: Weights, model: Any, state: dict[str, "torch.Tensor"]) -> None:
    """Put the tensors into the model, all of them.

    Raises:
        WeightsError: They do not fit.
    """
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise weights.missing(" ".join(str(error).split())[:300]) from error


def ready(model: Any, learned: LearnedParams) -> Any:
    """The model on its device, in evaluation mode."""
    return model.eval().requires_grad_(requires_grad=False).to(device_of(learned))


@contextmanager
def inference(learned: LearnedParams) -> Iterator[None]:
    """Without gradients; in mixed precision if asked for, as the makers of these models run them."""
    import torch

    device, dtype = device_of(learned), dtype_of(learned)
    mixed = dtype != torch.float32
    with torch.inference_mode(), torch.autocast(device.type, dtype=dtype, enabled=mixed):
        yield
