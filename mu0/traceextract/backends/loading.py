"""Loading weights: from a local folder or the Hugging Face hub, whole or not at all.

`from_pretrained` of transformers fills weights that a file lacks with random numbers and only logs it; here
that is an error. So is a model of another family, a GPU that does not exist, and a model that is neither on
disk nor reachable: the message names the model and the command that fetches it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mu0.errors import WeightsError
from mu0.params.learned import DEFAULT_MODELS, LearnedParams
from mu0.traceextract.backends.licences import tell_licence

if TYPE_CHECKING:
    import torch

PATH_STARTS = (".", "/", "~", "models/", "data/")
TAPNET_FILES = "https://storage.googleapis.com/dm-tapnet/"
FILES = {
    "tapir": TAPNET_FILES + "bootstap/bootstapir_checkpoint_v2.pt",
    "tapnext": TAPNET_FILES + "tapnext/bootstapnext_ckpt.npz",
    "cotracker3": "https://huggingface.co/facebook/cotracker3/resolve/main/scaled_offline.pth",
}


@dataclass(frozen=True)
class Weights:
    """Weights that a backend asks for.

    Attributes:
        backend: Name of the backend.
        model: Local folder or file, or name on the hub.
        option: The key of `extract.learned` that names them.
    """

    backend: str
    model: str
    option: str

    @property
    def is_local(self) -> bool:
        """Whether the name means a place on this disk."""
        if self.model.startswith(PATH_STARTS) or self.model.count("/") > 1:
            return True
        return Path(self.model).expanduser().exists()

    @property
    def path(self) -> Path:
        """The place on this disk."""
        return Path(self.model).expanduser()

    def missing(self, why: str) -> WeightsError:
        """The error that says what could not be loaded, why, and how to fetch it."""
        return WeightsError(
            f"{self.backend} cannot load its weights from {self.model!r}: {why}.",
            expected="a checkpoint file" if self.backend in FILES else "a local folder, or a name on the hub",
            remedy=self._fetch(),
        )

    def _fetch(self) -> str:
        if self.backend in FILES:
            return (
                f"download {FILES[self.backend]}; set extract.learned.{self.option} to the file, and "
                "extract.learned.tracker_code to a clone of its repository if that is not installed."
            )
        name = DEFAULT_MODELS.get(self.backend, "facebook/VGGT-1B-Commercial")
        if not self.is_local and self.model.count("/") == 1:
            name = self.model
        folder = f"models/{name.rpartition('/')[2]}"
        return (
            f"where there is network, `hf download {name} --local-dir {folder}`; "
            f"then set extract.learned.{self.option} to {folder}."
        )

    def file(self) -> Path:
        """The checkpoint file.

        Raises:
            WeightsError: There is none.
        """
        if not self.path.is_file():
            raise self.missing("there is no such file")
        return self.path


def device_of(learned: LearnedParams) -> "torch.device":
    """The device to run on; "auto" is a GPU when there is one.

    Raises:
        WeightsError: A device is asked for that this machine does not have.
    """
    import torch

    if learned.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(learned.device)
    except RuntimeError as error:
        raise WeightsError(
            f"extract.learned.device is {learned.device!r}.",
            expected="auto, cpu, cuda or cuda:<number>",
            remedy="correct it in params.yaml.",
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise WeightsError(
            f"extract.learned.device is {learned.device!r}, but torch {torch.__version__} sees "
            f"{torch.cuda.device_count()} GPUs here.",
            expected="a device that exists",
            remedy="set extract.learned.device to auto or cpu, or install a torch that knows your GPU.",
        )
    return device


def dtype_of(learned: LearnedParams) -> "torch.dtype":
    """The number format of weights and activations."""
    import torch

    return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[learned.precision]


def load_transformers(weights: Weights, classes: dict[str, str], learned: LearnedParams) -> Any:
    """A model of transformers, in evaluation mode, on its device.

    Args:
        weights: What to load.
        classes: `model_type` of config.json -> name of the class in transformers.
        learned: Device and precision.

    Raises:
        WeightsError: It cannot be fetched, is damaged, incomplete, or of another family.
    """
    import transformers
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    device = device_of(learned)
    if weights.is_local and not weights.path.is_dir():
        raise weights.missing("there is no such folder")
    place = str(weights.path) if weights.is_local else weights.model
    try:
        config = transformers.AutoConfig.from_pretrained(place, local_files_only=weights.is_local)
        kind = _class_of(config.model_type, weights, classes)
        with _quiet():  # what matters of its report is looked at below
            model, info = getattr(transformers, kind).from_pretrained(
                place, local_files_only=weights.is_local, dtype=dtype_of(learned), output_loading_info=True
            )
    except (OSError, ValueError, SafetensorError, StrictDataclassError) as error:
        raise weights.missing(str(error).strip().partition("\n")[0].rstrip(".")) from error
    lacking = sorted(info["missing_keys"]) + sorted(str(key) for key in info["mismatched_keys"])
    if lacking:
        raise weights.missing(f"it lacks {len(lacking)} of the weights of {kind}, e.g. {lacking[0]}")
    tell_licence(weights.backend, weights.model)
    return model.eval().requires_grad_(requires_grad=False).to(device)


@contextmanager
def _quiet() -> Iterator[None]:
    from transformers.utils import logging

    before, had_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if had_bars:
            logging.enable_progress_bar()


def _class_of(model_type: str, weights: Weights, classes: dict[str, str]) -> str:
    if model_type not in classes:
        raise WeightsError(
            f"{weights.model} holds a model of type {model_type!r}; {weights.backend} cannot use it.",
            expected=f"model_type {' or '.join(sorted(classes))} in its config.json",
            remedy=f"name another model in extract.learned.{weights.option}, "
            f"e.g. {DEFAULT_MODELS[weights.backend]}.",
        )
    return classes[model_type]


def load_code(weights: Weights, module: str, folder: str | None, how: str) -> Any:
    """A module of code that the user has installed, or has in a folder.

    Args:
        weights: For whom.
        module: Dotted name.
        folder: Searched before the places where Python looks; None if the code is installed.
        how: What to do if it is not there.

    Raises:
        WeightsError: It cannot be imported.
    """
    if folder is not None and (place := str(Path(folder).expanduser().resolve())) not in sys.path:
        sys.path.insert(0, place)
    try:
        return import_module(module)
    except ImportError as error:
        raise WeightsError(
            f"{weights.backend} needs code that cannot be imported"
            f"{f' from {folder}' if folder else ''}: {error}.",
            expected=f"the Python module {module}",
            remedy=how,
        ) from error
