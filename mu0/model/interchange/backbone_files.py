"""What a checkpoint of the release needs from SmolVLM2 itself: the tokenizer and the sizes of its layers.

The release stores weights only; its code downloads the rest whenever it starts. mu0 takes both from a folder
on this computer (or from the hub's cache, if the model was ever downloaded) and keeps them with the
checkpoint, so that afterwards nothing outside is needed. Nothing is downloaded here.

Source
    Sizes: reference/mu0.md §4.2 (2.2B); the model's own config.json (500M).
"""

from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError
from transformers import SmolVLMConfig

from mu0.errors import CheckpointError
from mu0.files import read_json
from mu0.model.config import WorldModelConfig
from mu0.model.interchange.official_config import BACKBONE, sizes_of
from mu0.model.presets import preset

CONFIG, TOKENIZER = "config.json", "tokenizer.json"
HUB_2B = "HuggingFaceTB/SmolVLM2-2.2B-Instruct"
HUB_500M = "HuggingFaceTB/SmolVLM2-500M-Video-Instruct"


KNOWN = {HUB_2B: sizes_of(preset("paper")), HUB_500M: sizes_of(preset("base"))}


def find_tokenizer(vlm_model_name: str, folder: Path | None) -> Path:
    """The tokenizer.json of a SmolVLM2.

    Args:
        vlm_model_name: Its name on the hub, as official configs give it.
        folder: Where its files lie; None looks into the hub's cache on this computer.

    Raises:
        CheckpointError: It is not there.
    """
    path = _find(TOKENIZER, vlm_model_name, folder)
    if path is None:
        raise CheckpointError(
            f"The tokenizer of {vlm_model_name} is not on this computer: "
            + (f"{folder} has no {TOKENIZER}." if folder else "it is not in the hub's cache.")
            + " The release does not contain it.",
            expected=f"a folder with the {TOKENIZER} and {CONFIG} of {vlm_model_name}",
            remedy=f"where there is a network: `hf download {vlm_model_name} {TOKENIZER} {CONFIG} "
            "--local-dir smolvlm2`, then pass `--backbone smolvlm2`.",
        )
    return path


def backbone_sizes(vlm_model_name: str, folder: Path | None) -> dict[str, Any]:
    """Our config's fields for a SmolVLM2: from its config.json if that is here, else if it is well known.

    Raises:
        CheckpointError: Neither.
    """
    path = _find(CONFIG, vlm_model_name, folder)
    if path is not None:
        config = SmolVLMConfig.from_dict(read_json(path)).to_dict()
        sizes = {ours: config[part][name] for ours, (part, name) in BACKBONE.items()}
        return {**sizes, "pixel_shuffle": config["scale_factor"]}
    if vlm_model_name in KNOWN:
        return KNOWN[vlm_model_name]
    raise CheckpointError(
        f"The sizes of the backbone {vlm_model_name} are unknown.",
        expected=f"its {CONFIG}, or one of {', '.join(KNOWN)}",
        remedy="pass `--backbone FOLDER` with the files of that model.",
    )


def hub_name(config: WorldModelConfig) -> str:
    """Which SmolVLM2 has the sizes of a config.

    Raises:
        CheckpointError: None that mu0 knows.
    """
    sizes = sizes_of(config)
    for name, known in KNOWN.items():
        if known == sizes:
            return name
    raise CheckpointError(
        f"No SmolVLM2 has text layers {config.text_width} wide with {config.text_heads} heads and a vision "
        f"tower of {config.vision_layers} layers {config.vision_width} wide.",
        expected=f"the sizes of {' or '.join(KNOWN)}",
        remedy="export models of the preset paper or base, or ones that were imported from the release.",
    )


def _find(name: str, vlm_model_name: str, folder: Path | None) -> Path | None:
    if folder is not None:
        return folder / name if (folder / name).is_file() else None
    try:
        cached = try_to_load_from_cache(vlm_model_name, name)
    except HFValidationError:  # a path of the computer that it was trained on
        return None
    return Path(cached) if isinstance(cached, str) else None
