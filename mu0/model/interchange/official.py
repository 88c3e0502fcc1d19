"""Import of the official release into a checkpoint folder of ours, and export back, without loss.

The official folder
    config.json            options; names its SmolVLM2 backbone
    model.safetensors      weights under the official names (`mu0.model.interchange.names`)
    meta.json              optional: the training step
    normalizer_stats.json  here or one folder up; as `delta_stats.json` in runs of the official trainer

Ours (`mu0.model.checkpoint`) gets the same weights under our names, the statistics byte by byte, the
tokenizer, and `official/`: the official config.json and meta.json as they were. Weights are copied as bytes,
in the types they have, and widened to float32 when a model is built from them. Import, then export, gives
back the same bytes; so does export, then import, as far as the release has a place for it.

Everything is checked before anything is written: the names and shapes of all weights against the model that
the config describes, and the scales in the config against the statistics.
"""

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mu0.dataset.statistics import NormalizerStats
from mu0.errors import CheckpointError
from mu0.files import atomic_folder, write_json
from mu0.model import checkpoint, checkpoint_folder
from mu0.model.config import WorldModelConfig, read_config
from mu0.model.interchange.backbone_files import backbone_sizes, find_tokenizer, hub_name
from mu0.model.interchange.names import NameMap, listed
from mu0.model.interchange.official_config import (
    DEFAULTS,
    config_from_official,
    differences,
    official_from_config,
    sizes_of,
)
from mu0.model.interchange.raw_tensors import TensorFile, copy_renamed, read_tensor_file
from mu0.model.tokenizer import CaptionTokenizer, read_tokenizer
from mu0.model.world_model import TraceWorldModel

OFFICIAL = "official"
STATISTICS_NAMES = ("normalizer_stats.json", "delta_stats.json")
SCALE_TOLERANCE = 1e-5
LABEL = "imported from the official release"
UNSTORED: dict[str, Any] = {  # official fields of a model that was trained here
    "type": "smolvla",
    "n_obs_steps": 1,
    "normalization_mapping": {"VISUAL": "IDENTITY", "STATE": "MEAN_STD", "ACTION": "MEAN_STD"},
    "output_features": {},
    "n_min": 1,
    "n_max": 256,
    "load_vlm_weights": True,
    "dino_model_name": "facebook/dinov2-base",
    "done_threshold": 0.5,
}


@dataclass(frozen=True)
class Exchanged:
    """What an import or export moved."""

    folder: Path
    n_tensors: int
    n_parameters: int
    n_bytes: int


def import_official(
    source: Path, goal: Path, backbone: Path | None = None, statistics: Path | None = None
) -> Exchanged:
    """Make a checkpoint of ours from an official folder.

    Args:
        source: The official folder.
        goal: Our checkpoint folder; replaced if it exists.
        backbone: Folder with tokenizer.json and config.json of the SmolVLM2; None: the hub's cache.
        statistics: The statistics file; None looks for it in `source` and beside it.

    Raises:
        CheckpointError: Something is missing, unexpected or does not fit; all of it is named.
    """
    official = _read_object(source / checkpoint_folder.CONFIG)
    stored = read_tensor_file(source / checkpoint_folder.WEIGHTS)
    statistics = statistics or _find_statistics(source)
    vlm_model_name = {**DEFAULTS, **official}["vlm_model_name"]
    names = NameMap(has_depth=bool(official.get("use_depth", False))).ours(stored.tensors)
    shapes = {names[name]: tensor.shape for name, tensor in stored.tensors.items()}
    config = config_from_official(official, backbone_sizes(vlm_model_name, backbone), shapes)
    tokenizer = read_tokenizer(find_tokenizer(vlm_model_name, backbone), config.max_text_tokens)
    stats = NormalizerStats.read(statistics)
    _check_scales(official, stats, statistics)
    _check_weights(config, tokenizer, stats, shapes, stored)
    with atomic_folder(goal) as temporary:
        config.write(temporary / checkpoint_folder.CONFIG)
        shutil.copyfile(statistics, temporary / checkpoint_folder.STATISTICS)
        tokenizer.write(temporary / checkpoint_folder.TOKENIZER)
        (temporary / OFFICIAL).mkdir()
        for name in (checkpoint_folder.CONFIG, checkpoint_folder.META):
            if (source / name).is_file():
                shutil.copyfile(source / name, temporary / OFFICIAL / name)
        write_json(temporary / checkpoint_folder.META, _meta(source, vlm_model_name))
        copy_renamed(stored, temporary / checkpoint_folder.WEIGHTS, names)
    return _summary(goal, stored)


def export_official(source: Path, goal: Path) -> Exchanged:
    """Make an official folder from a checkpoint of ours.

    Raises:
        CheckpointError: The checkpoint is damaged, or has what the official code cannot do.
    """
    checkpoint.require_files(source)
    config = read_config(source / checkpoint_folder.CONFIG)
    stored = read_tensor_file(source / checkpoint_folder.WEIGHTS)
    shapes = {name: tensor.shape for name, tensor in stored.tensors.items()}
    stats = NormalizerStats.read(source / checkpoint_folder.STATISTICS)
    official = _official_config(source, config, stats, shapes)
    tokenizer = read_tokenizer(source / checkpoint_folder.TOKENIZER, config.max_text_tokens)
    _check_weights(config, tokenizer, stats, shapes, stored)
    names = NameMap(has_depth=config.use_depth).official(stored.tensors)
    with atomic_folder(goal) as temporary:
        if official is None:
            shutil.copyfile(
                source / OFFICIAL / checkpoint_folder.CONFIG, temporary / checkpoint_folder.CONFIG
            )
        else:
            write_json(temporary / checkpoint_folder.CONFIG, official)
        shutil.copyfile(source / checkpoint_folder.STATISTICS, temporary / checkpoint_folder.STATISTICS)
        if (source / OFFICIAL / checkpoint_folder.META).is_file():
            shutil.copyfile(source / OFFICIAL / checkpoint_folder.META, temporary / checkpoint_folder.META)
        else:
            step = checkpoint.read_meta(source).get("steps", 0)
            write_json(temporary / checkpoint_folder.META, {"step": step})
        copy_renamed(stored, temporary / checkpoint_folder.WEIGHTS, names)
    return _summary(goal, stored)


def _check_weights(
    config: WorldModelConfig,
    tokenizer: CaptionTokenizer,
    statistics: NormalizerStats,
    shapes: dict[str, tuple[int, ...]],
    stored: TensorFile,
) -> None:
    """Compare names and shapes with the model that the config describes, built without memory."""
    if tokenizer.vocabulary_size > config.vocabulary_size:
        raise CheckpointError(
            f"The tokenizer knows {tokenizer.vocabulary_size} tokens, the model {config.vocabulary_size}.",
            expected="the tokenizer that belongs to the backbone",
            remedy="pass the folder of the SmolVLM2 that the official config names.",
        )
    with torch.device("meta"):
        model = TraceWorldModel(config, tokenizer, statistics)
    own = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    to_official = NameMap(has_depth=config.use_depth).official
    faults = []
    for what, names in (
        ("Missing", [name for name in own if name not in shapes]),
        ("Unexpected", [name for name in shapes if name not in own]),
    ):
        if names:
            faults.append(f"{what} weights: {listed(to_official(names).values())}")
    other = [name for name in own if name in shapes and shapes[name] != own[name]]
    if other:
        first = other[0]
        faults.append(
            f"Weights of another shape: {listed(to_official(other).values())} "
            f"(the first is {list(shapes[first])} instead of {list(own[first])})"
        )
    if faults:
        raise CheckpointError(
            f"{stored.path} does not fit its config. {'. '.join(faults)}.",
            expected=f"the {len(own)} tensors of the model that config.json describes",
            remedy="use config.json and model.safetensors of the same checkpoint, and the backbone it names.",
        )


def _check_scales(official: dict[str, Any], statistics: NormalizerStats, path: Path) -> None:
    """The config repeats the scales; a statistics file of another model would silently give wrong metres."""
    scale = official.get("delta_scale")
    if scale is None:
        return
    found = (statistics.delta_scale_x, statistics.delta_scale_y, statistics.delta_scale_z)
    close = [math.isclose(a, b, rel_tol=SCALE_TOLERANCE) for a, b in zip(scale, found, strict=False)]
    if len(scale) != len(found) or not all(close):
        raise CheckpointError(
            f"{path} has the scales {list(found)}, the checkpoint's config {list(scale)}.",
            expected="the statistics that the checkpoint was trained with",
            remedy="pass the right file with `--statistics`.",
        )


def _official_config(
    source: Path, config: WorldModelConfig, stats: NormalizerStats, shapes: dict[str, tuple[int, ...]]
) -> dict[str, Any] | None:
    """The official config.json; None where the one it was imported from still describes the model."""
    remembered = source / OFFICIAL / checkpoint_folder.CONFIG
    if not remembered.is_file():
        given = _with_inputs(config, stats)
        return official_from_config(config, hub_name(config), given, shapes)
    given = _read_object(remembered)
    if not differences(config, config_from_official(given, sizes_of(config), shapes)):
        return None
    vlm_model_name = {**DEFAULTS, **given}["vlm_model_name"]
    return official_from_config(config, vlm_model_name, given, shapes)


def _with_inputs(config: WorldModelConfig, stats: NormalizerStats) -> dict[str, Any]:
    """What the official loader wants to know, for a model that was trained here."""
    feature = {"type": "VISUAL", "shape": [3, config.image_size_px, config.image_size_px]}
    cameras = ("cam_front", "cam_front_depth") if config.use_depth else ("cam_front",)
    scale = [stats.delta_scale_x, stats.delta_scale_y, stats.delta_scale_z]
    return {
        **UNSTORED,
        "input_features": {f"observation.images.{name}": feature for name in cameras},
        "delta_scale": scale,
    }


def _find_statistics(source: Path) -> Path:
    places = [folder / name for folder in (source, source.parent) for name in STATISTICS_NAMES]
    for place in places:
        if place.is_file():
            return place
    raise CheckpointError(
        f"No statistics lie in {source} or beside it.",
        expected=" or ".join(STATISTICS_NAMES),
        remedy="download normalizer_stats.json of the release, or pass it with `--statistics`.",
    )


def _read_object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError(
            f"{path} is missing.",
            expected="an official checkpoint folder: config.json and model.safetensors",
            remedy="name the folder that holds both, such as final_ckpt of the release.",
        )
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        content = error
    if isinstance(content, dict):
        return content
    raise CheckpointError(
        f"{path} holds {content}.",
        expected="a JSON object",
        remedy="download or copy the file again.",
    )


def _meta(source: Path, vlm_model_name: str) -> dict[str, Any]:
    path = source / checkpoint_folder.META
    step = _read_object(path).get("step") if path.is_file() else None
    return {"label": LABEL, "preset": OFFICIAL, "steps": step, "seed": None, "vlm_model_name": vlm_model_name}


def _summary(folder: Path, stored: TensorFile) -> Exchanged:
    tensors = stored.tensors.values()
    return Exchanged(
        folder, len(tensors), sum(math.prod(t.shape) for t in tensors), sum(t.end - t.begin for t in tensors)
    )
