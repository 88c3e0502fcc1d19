"""Pretrained models as files: a folder on this computer, or a snapshot of the Hugging Face hub.

What is found is complete (config.json, weights in safetensors, and the tokenizer where one is needed) and has
a version, so that a training that was stopped only goes on from the same weights. Weights that would run code
when they are loaded (pickles) are not looked for.

Conventions
    model     a folder, or a name on the hub; what starts like a path is never asked of the hub
    version   the hub's commit where its cache names it, else a hash of the files that are used
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from mu0.errors import WeightsError
from mu0.files import sha256_of

CONFIG, TOKENIZER = "config.json", "tokenizer.json"
WEIGHTS = "*.safetensors"
WANTED = (CONFIG, TOKENIZER, WEIGHTS, "*.safetensors.index.json")
PATH_STARTS = (".", "/", "~", "models/", "data/")
COMMIT = re.compile(r"[0-9a-f]{40}")
SHORT_HASH = 12


@dataclass(frozen=True)
class Wanted:
    """What is asked for, by whom.

    Attributes:
        option: The key of `world_model` in params.yaml that names it.
        model: Folder or name on the hub.
        revision: Branch, tag or commit of a name on the hub.
        example: A name on the hub that fits, for messages.
    """

    option: str
    model: str
    revision: str
    example: str

    def fault(self, found: str, expected: str) -> WeightsError:
        """The error that says what is wrong with it, and how to fetch one that fits."""
        name = self.example if is_folder(self.model) else self.model
        folder = f"models/{name.rpartition('/')[2]}"
        return WeightsError(
            found,
            expected=expected,
            remedy=f"where there is a network, `hf download {name} --local-dir {folder}`; then set "
            f"world_model.{self.option} to {folder}. `random` trains on random weights, for tests only.",
        )


@dataclass(frozen=True)
class PretrainedFiles:
    """A complete pretrained model on this disk."""

    wanted: Wanted
    folder: Path
    version: str

    def __str__(self) -> str:
        return f"{self.wanted.model} ({self.version})"


def is_folder(model: str) -> bool:
    """Whether a model means a place on this disk."""
    if model.startswith(PATH_STARTS) or model.count("/") != 1:
        return True
    return Path(model).is_dir()


def find_files(wanted: Wanted, *, with_tokenizer: bool) -> PretrainedFiles:
    """Find a pretrained model, downloading it where it is named by the hub and not in its cache.

    Args:
        wanted: What to find.
        with_tokenizer: Whether tokenizer.json is needed, too.

    Raises:
        WeightsError: It is neither here nor reachable, or incomplete.
    """
    folder = Path(wanted.model).expanduser() if is_folder(wanted.model) else _snapshot(wanted)
    if not folder.is_dir():
        raise wanted.fault(f"There is no folder {folder}.", "the folder of a model, or a name on the hub")
    needed = (CONFIG, WEIGHTS, TOKENIZER) if with_tokenizer else (CONFIG, WEIGHTS)
    lacking = [pattern for pattern in needed if not any(folder.glob(pattern))]
    if lacking:
        raise wanted.fault(
            f"{folder} lacks {', '.join(lacking)}.",
            f"the files of {wanted.example}: {', '.join(needed)}",
        )
    return PretrainedFiles(wanted, folder, _version(folder))


def _snapshot(wanted: Wanted) -> Path:
    try:
        return Path(snapshot_download(wanted.model, revision=wanted.revision, allow_patterns=list(WANTED)))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise wanted.fault(
            f"{wanted.model} (revision {wanted.revision}) is no folder here, and the hub does not give it: "
            f"{reason}.",
            "a folder with the model, a copy in the hub's cache, or a network",
        ) from error


def _version(folder: Path) -> str:
    if COMMIT.fullmatch(folder.name):
        return folder.name
    digest = hashlib.sha256()
    for path in sorted({path for pattern in WANTED for path in folder.glob(pattern)}):
        digest.update(f"{path.name}\0{sha256_of(path)}\n".encode())
    return digest.hexdigest()[:SHORT_HASH]
