"""A vision-language model on this machine: SmolVLM2 and Qwen3-VL, by hub name or from a folder.

Only what the two families need is loaded: model, tokenizer and the numpy image processor. Their own
processors (and `AutoProcessor`) need torchvision for videos that we never pass, so the picture tokens of a
prompt are written out here (`chat_families`). Weights must be safetensors, and no code from the hub runs.

A name on the hub becomes a folder first, the only step that may use the network; a folder is read as it is.
The answer's origin names the commit or the hash of the folder's files, so a changed model never reuses
answers.
"""

import json
import logging
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError

from mu0.errors import CaptionError
from mu0.files import sha256_of_tree
from mu0.params.extract import LocalVlmParams
from mu0.traceextract.captions.captioners.chat_families import FAMILIES, LoadedModel, encode
from mu0.traceextract.captions.captioners.interfaces import AbstractChatModel, Origin, Prompt, Reply

LOG = logging.getLogger(__name__)
WANTED = ["*.json", "*.jinja", "*.safetensors", "*.txt", "*.model", "README.md", "LICENSE*"]
LOADING_ERRORS = (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError, SafetensorError)
COMMIT = re.compile(r"^[0-9a-f]{40}$")
FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---", re.DOTALL)
SHORT_HASH = 12


class LocalChat(AbstractChatModel):
    """One model in memory, loaded when the first prompt needs it."""

    def __init__(self, params: LocalVlmParams) -> None:
        """Find the model's folder; weights are not read yet.

        Raises:
            CaptionError: There is no such model, or it is of another family.
        """
        self.params = params
        self.folder, self.version = _find(params)
        self.family = _family(self.folder)
        self.licence = licence_of(self.folder)
        self.counts = {"answers": 0, "prompt tokens": 0, "completion tokens": 0}

    @property
    def origin(self) -> Origin:
        """Name and version of the model, and its licence."""
        return Origin("local_vlm", f"{self.params.model}@{self.version}", self.licence)

    @property
    def settings(self) -> dict[str, object]:
        """Greedy decoding has one: how long an answer may be."""
        return {"max_new_tokens": self.params.max_new_tokens}

    def reply(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Reply]]:
        """Answers one after another.

        Raises:
            CaptionError: The model cannot be loaded, or does not fit into memory.
        """
        for number, prompt in enumerate(prompts):
            yield number, self._answer(prompt)

    def report(self) -> list[str]:
        """The model, its licence, and how much it read and wrote."""
        numbers = ", ".join(f"{count} {what}" for what, count in self.counts.items())
        return [f"{self.origin.model}, licence {self.licence}: {numbers}"]

    @cached_property
    def _loaded(self) -> LoadedModel:
        device = _device(self.params.device)
        LOG.info("captions: loading %s on %s; licence: %s", self.origin.model, device, self.licence)
        try:
            return FAMILIES[self.family](self.folder, device)
        except LOADING_ERRORS as error:
            raise CaptionError(
                f"{self.folder} cannot be loaded: {type(error).__name__}: {error}.",
                expected=f"a complete {self.family!r} model: safetensors weights, tokenizer, chat template "
                "and preprocessor_config.json",
                remedy="download the whole model again, or name another one in captions.local_vlm.model.",
            ) from error

    def _answer(self, prompt: Prompt) -> Reply:
        loaded = self._loaded
        inputs = encode(loaded, prompt)
        n_prompt = int(inputs["input_ids"].shape[1])
        try:
            with torch.inference_mode():
                tokens = loaded.model.generate(
                    **inputs,
                    max_new_tokens=self.params.max_new_tokens,
                    do_sample=False,
                    temperature=None,
                    top_p=None,
                    top_k=None,
                    pad_token_id=loaded.tokenizer.pad_token_id,
                )
        except torch.OutOfMemoryError as error:
            raise CaptionError(
                f"{self.params.model} does not fit into the memory of {loaded.model.device}.",
                expected="enough memory for the model and four pictures",
                remedy="lower captions.image_side_px, take a smaller model, or set "
                "captions.local_vlm.device: cpu.",
            ) from error
        written = tokens[0, n_prompt:]
        self.counts["answers"] += 1
        self.counts["prompt tokens"] += n_prompt
        self.counts["completion tokens"] += len(written)
        return Reply(
            loaded.tokenizer.decode(written, skip_special_tokens=True),
            is_cut=len(written) >= self.params.max_new_tokens,
            n_prompt_tokens=n_prompt,
            n_completion_tokens=len(written),
        )


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise CaptionError(
            f"captions.local_vlm.device is {name!r}: {str(error).splitlines()[0]}",
            expected="auto, cpu, cuda or cuda:<number> of a GPU that this machine has",
            remedy="set captions.local_vlm.device: auto in params.yaml.",
        ) from error
    return device


def _find(params: LocalVlmParams) -> tuple[Path, str]:
    """The model's folder and its version."""
    folder = Path(params.model).expanduser()
    if folder.is_dir():
        return folder, sha256_of_tree(folder)[:SHORT_HASH]
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        found = Path(snapshot_download(params.model, revision=params.revision, allow_patterns=WANTED))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise CaptionError(
            f"{params.model!r} is no folder here and the hub does not give it: {str(error).splitlines()[0]}",
            expected="a folder with a SmolVLM2 or Qwen3-VL model, or a name on the Hugging Face hub",
            remedy="download it once with `hf download <name> --local-dir <folder>` and name the folder in "
            "captions.local_vlm.model, or set captions.captioner: template.",
        ) from error
    return found, found.name[:SHORT_HASH] if COMMIT.match(found.name) else params.revision


def _family(folder: Path) -> str:
    try:
        config: Any = json.loads((folder / "config.json").read_text())
        family = config["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CaptionError(
            f"{folder}/config.json does not tell a model's type: {error}.",
            expected="the folder of a transformers model",
            remedy="name the folder that holds config.json and model.safetensors.",
        ) from error
    if family not in FAMILIES:
        raise CaptionError(
            f"{folder} holds a model of type {family!r}.",
            expected=f"one of {', '.join(sorted(FAMILIES))}",
            remedy="take a SmolVLM2 or Qwen3-VL model, or serve this one and use captions.captioner: openai.",
        )
    return str(family)


def licence_of(folder: Path) -> str:
    """The licence that a model's card names; else the title of its licence file; else "unknown"."""
    card = folder / "README.md"
    if card.is_file() and (found := FRONT_MATTER.match(card.read_text(errors="replace"))):
        try:
            meta = yaml.safe_load(found.group(1))
        except yaml.YAMLError:
            meta = None
        if isinstance(meta, dict) and (licence := meta.get("license")):
            return str(meta.get("license_name", licence) if licence == "other" else licence)
    for path in sorted(folder.glob("LICENSE*")):
        lines = [line.strip() for line in path.read_text(errors="replace").splitlines()]
        return next((line for line in lines if line), "unknown")
    return "unknown"
