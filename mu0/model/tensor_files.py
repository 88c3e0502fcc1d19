"""Tensors into a file, with the system's errors as such: safetensors tells a full disk as its own kind."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

OF_THE_SYSTEM = re.compile(r"\(os error (\d+)\)")


def save_tensors(
    tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None
) -> None:
    """`safetensors.torch.save_file`.

    Raises:
        OSError: What the system refused, with its number and the file's name.
    """
    try:
        save_file(dict(tensors), path, metadata=None if metadata is None else dict(metadata))
    except SafetensorError as error:
        refused = OF_THE_SYSTEM.search(str(error))
        if refused is None:
            raise
        number = int(refused[1])
        raise OSError(number, os.strerror(number), str(path)) from error
