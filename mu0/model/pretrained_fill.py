"""Pretrained weights into a fresh world model: SmolVLM2 into its backbone, DINOv2 into its keypoint features.

transformers reads the files, so what their weights are called is its business; here each tensor of ours that
has a counterpart is copied from it once. Strictly: a size or setting that differs, a weight that is missing
and one that is left over are errors. Only text layers beyond those that the model has, and the language head
where it carries none, may stay behind. Smaller number formats are widened.

The depth stem starts as a copy of the image stem; adapters, trace expert and heads keep their first values.

Entry points
    check_backbone, check_features   config.json alone, before anything long starts
    fill_backbone, fill_features     the weights
    backbone_tokenizer               what words mean to the backbone

Source
    reference/mu0.md §4.2 (backbone), §4.3 (depth stem), §4.5 (DINOv2).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import Tensor

from mu0.errors import CheckpointError
from mu0.model.backbone import smolvlm_config
from mu0.model.config import WorldModelConfig
from mu0.model.interchange.names import listed
from mu0.model.interchange.official_config import BACKBONE
from mu0.model.keypoint_features import dino_config
from mu0.model.network import TraceNetwork
from mu0.model.pretrained_files import CONFIG, TOKENIZER, PretrainedFiles
from mu0.model.tokenizer import CaptionTokenizer, read_tokenizer

SMOLVLM_SETTINGS = (
    *(".".join(place) for place in BACKBONE.values()),
    "scale_factor",
    "vision_config.hidden_act",
    "vision_config.layer_norm_eps",
    "text_config.vocab_size",
    "text_config.hidden_act",
    "text_config.rms_norm_eps",
)
DINOV2_SETTINGS = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "mlp_ratio",
    "image_size",
    "patch_size",
    "hidden_act",
    "layer_norm_eps",
    "use_swiglu_ffn",
)
N_LAYERS = "text_config.num_hidden_layers"
PATCHES = "model.vision_model.embeddings.patch_embedding."
OURS_ELSEWHERE = {  # of the backbone -> SmolVLM's names; the others differ in their prefix only
    "stem.projection.": PATCHES,
    "depth_stem.projection.": PATCHES,
    "position_embedding.": "model.vision_model.embeddings.position_embedding.",
    "language_head.": "lm_head.",
    "smolvlm.": "model.",
}
ADAPTER = (".down.weight", ".up.weight")
TEXT_LAYER = re.compile(r"model\.text_model\.layers\.([0-9]+)\..+")


def check_backbone(config: WorldModelConfig, files: PretrainedFiles) -> None:
    """Compare the sizes and settings of a SmolVLM2 with those of the model.

    Raises:
        WeightsError: It is another kind of model, or one that does not fit.
    """
    found = _read_config(files, "smolvlm")
    _compare(config, found, smolvlm_config(config), SMOLVLM_SETTINGS, files)
    if (n_layers := _value(found, N_LAYERS)) < config.text_layers:
        raise files.wanted.fault(
            f"{files.folder / CONFIG} has {N_LAYERS} = {n_layers}.",
            f"{config.text_layers} text layers or more, for the preset {config.preset}",
        )


def check_features(config: WorldModelConfig, files: PretrainedFiles) -> None:
    """Compare the sizes and settings of a DINOv2 with those of the model.

    Raises:
        WeightsError: It is another kind of model, or one that does not fit.
    """
    _compare(config, _read_config(files, "dinov2"), dino_config(config), DINOV2_SETTINGS, files)


def fill_backbone(model: TraceNetwork, files: PretrainedFiles) -> None:
    """Copy stems, vision tower, connector, text layers, embeddings and language head.

    Raises:
        WeightsError: The files cannot be read, or their weights do not fit.
    """
    config = model.config

    def may_stay(name: str) -> bool:
        if name == "lm_head.weight":
            return not config.unused_weights
        layer = TEXT_LAYER.fullmatch(name)
        return layer is not None and int(layer[1]) >= config.text_layers

    weights = model.backbone.state_dict()
    own = {name: value for name, value in weights.items() if not name.endswith(ADAPTER)}
    names = {name: _smolvlm_name(name) for name in own}
    _copy(own, names, _load("SmolVLMForConditionalGeneration", files), may_stay, files)


def fill_features(model: TraceNetwork, files: PretrainedFiles) -> None:
    """Copy DINOv2.

    Raises:
        WeightsError: The files cannot be read, or their weights do not fit.
    """
    features: Any = model.keypoint_features
    own = features.dino.state_dict()
    _copy(own, {name: name for name in own}, _load("Dinov2Model", files), lambda _: False, files)


def backbone_tokenizer(config: WorldModelConfig, files: PretrainedFiles) -> CaptionTokenizer:
    """The tokenizer of a pretrained backbone.

    Raises:
        WeightsError: It is damaged, or knows more tokens than the model.
    """
    path = files.folder / TOKENIZER
    try:
        tokenizer = read_tokenizer(path, config.max_text_tokens)
    except CheckpointError as error:
        raise files.wanted.fault(error.found, f"the {TOKENIZER} of {files.wanted.example}") from error
    if tokenizer.vocabulary_size > config.vocabulary_size:
        raise files.wanted.fault(
            f"{path} knows {tokenizer.vocabulary_size} tokens, the model {config.vocabulary_size}.",
            f"the {TOKENIZER} that belongs to the weights beside it",
        )
    return tokenizer


def _smolvlm_name(ours: str) -> str:
    plain = ours.replace(".base.", ".")  # inside an adapter
    start, theirs = next(pair for pair in OURS_ELSEWHERE.items() if plain.startswith(pair[0]))
    return theirs + plain.removeprefix(start)


def _value(config: Any, path: str) -> Any:
    return reduce(getattr, path.split("."), config)


def _read_config(files: PretrainedFiles, model_type: str) -> Any:
    path = files.folder / CONFIG
    try:
        config = transformers.AutoConfig.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, StrictDataclassError) as error:
        raise files.wanted.fault(
            f"{path} cannot be used: {_first_line(error)}.", f"the {CONFIG} of {files.wanted.example}"
        ) from error
    if config.model_type != model_type:
        raise files.wanted.fault(
            f"{path} describes a model of type {config.model_type!r}.",
            f"type {model_type!r}, such as {files.wanted.example}",
        )
    return config


def _compare(
    config: WorldModelConfig, found: Any, expected: Any, settings: Iterable[str], files: PretrainedFiles
) -> None:
    other = [name for name in settings if _value(found, name) != _value(expected, name)]
    if other:
        more = f", and {len(other) - 1} more differ" if len(other) > 1 else ""
        raise files.wanted.fault(
            f"{files.folder / CONFIG} has {other[0]} = {_value(found, other[0])!r}{more}.",
            f"{other[0]} = {_value(expected, other[0])!r} for the preset {config.preset}, "
            f"as {files.wanted.example} has it",
        )


def _load(kind: str, files: PretrainedFiles) -> dict[str, Tensor]:
    """The weights of a model of transformers, in the number format that its config.json states."""
    try:
        model, info = getattr(transformers, kind).from_pretrained(
            files.folder,
            local_files_only=True,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # told below, with the file's name
            dtype="auto",
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise files.wanted.fault(
            f"The weights in {files.folder} cannot be read: {_first_line(error)}.",
            "complete safetensors files, and the config.json that belongs to them",
        ) from error
    faults = []
    if missing := sorted(info["missing_keys"]):
        faults.append(f"missing: {listed(missing)}")
    if other := sorted(info["mismatched_keys"]):
        name, stored, wanted = other[0]
        faults.append(f"{len(other)} of another shape: {name} is {list(stored)} instead of {list(wanted)}")
    _refuse(faults, files)
    weights: dict[str, Tensor] = model.state_dict()
    return weights


def _copy(
    own: Mapping[str, Tensor],
    names: Mapping[str, str],
    stored: Mapping[str, Tensor],
    may_stay: Callable[[str], bool],
    files: PretrainedFiles,
) -> None:
    """Fill every tensor of `own` from the one of `stored` that `names` gives it."""
    missing = [name for name in own if names[name] not in stored]
    unused = [name for name in stored if name not in set(names.values()) and not may_stay(name)]
    other = [n for n in own if names[n] in stored and stored[names[n]].shape != own[n].shape]
    faults = [f"nothing for our {listed(missing)}"] if missing else []
    faults += [f"left over: {listed(unused)}"] if unused else []
    if other:
        was, needed = stored[names[other[0]]].shape, own[other[0]].shape
        faults.append(
            f"{len(other)} of another shape: {names[other[0]]} is {list(was)} instead of {list(needed)}"
        )
    _refuse(faults, files)
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(stored[names[name]])


def _refuse(faults: list[str], files: PretrainedFiles) -> None:
    if faults:
        raise files.wanted.fault(
            f"The weights in {files.folder} do not fit the model: {'; '.join(faults)}.",
            f"the weights of {files.wanted.example}",
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
