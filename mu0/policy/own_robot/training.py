"""From the folder of anyone's demonstrations to the folder of a policy.

    dataset -> usable episodes -> split -> embodiment -> small pictures -> rows -> fit -> policy

Without a world model the expert's own stems look at all cameras and are trained with it (`stems`). With one,
the main view is seen through the frozen world model, with what it expects to move (`mu0`) or without
(`no_trace`), and stems look at the other cameras. Statistics, embodiment and limits come from the training
part alone.

Equal datasets and settings give equal bytes; an interrupted training goes on.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import torch

from mu0.errors import PolicyError
from mu0.hardware.bfloat16 import settle_for_training
from mu0.params.action_expert import ActionExpertParams
from mu0.policy.checkpoint import ActionExpertCheckpoint
from mu0.policy.demonstrations import DemonstrationFrames
from mu0.policy.embodiment import Embodiment
from mu0.policy.embodiment_fit import require_sizes
from mu0.policy.normalization import fit_normalization
from mu0.policy.own_robot.held_out import Split, split_episodes
from mu0.policy.own_robot.reading import OwnDataset, with_pictures
from mu0.policy.own_robot.recognition import recognise
from mu0.policy.own_robot.rows import training_rows
from mu0.policy.train_action_expert import (
    Paths,
    TrainingData,
    feature_config,
    fit_and_save,
    untrained,
    with_features,
)
from mu0.policy.wrist_encoder import WristEncoder
from mu0.sources.lerobot.robot_episodes import RobotEpisode
from mu0.training.loop import FitResult
from mu0.training.team import training_device

OwnVariant = Literal["stems", "mu0", "no_trace"]
VARIANTS = ("stems", "mu0", "no_trace")
EXPERT_FILES = ("config.json", "meta.json", "model.safetensors")


@dataclass(frozen=True)
class Prepared:
    """A dataset, ready to be learnt from: what it is of, what is held out, and its pictures."""

    dataset: OwnDataset
    split: Split
    embodiment: Embodiment
    variant: OwnVariant


def prepare(
    dataset: OwnDataset,
    paths: Paths,
    params: ActionExpertParams,
    variant: OwnVariant,
    held_out: float,
    embodiment: Embodiment | None = None,
) -> Prepared:
    """Decode pictures, split episodes, and find out what the numbers mean.

    Args:
        dataset: As it was read.
        paths: `world_model` counts for variants that look through it.
        params: Section `action_expert`; its seed draws the held-out episodes.
        variant: What the expert sees through.
        held_out: Share of the episodes.
        embodiment: Known to a person; recognised in the training part where it is None.

    Raises:
        PolicyError: No episode is usable, none is long enough to be held out, the embodiment does not fit the
            dataset, or the place of the expert holds something else.
        CheckpointError: The world model is missing or damaged.
    """
    require_place(paths.expert)
    side_px = WristEncoder.SIDE_PX
    front_px = side_px if variant == "stems" else _side_of(paths.world_model)
    split_episodes(dataset.lengths, params.chunk_len, held_out, params.seed)  # tells before decoding
    dataset = with_pictures(dataset, [front_px, *[side_px] * (len(dataset.cameras) - 1)], paths.cache)
    split = split_episodes(dataset.lengths, params.chunk_len, held_out, params.seed)
    if embodiment is None:
        embodiment = recognise(dataset.layout, _seen(dataset, split), dataset.cameras)
    else:
        one = dataset.episodes[0]
        require_sizes(embodiment, one.state.shape[1], one.action.shape[1], dataset.cameras)
    return Prepared(dataset, split, embodiment, variant)


def learn(
    prepared: Prepared,
    paths: Paths,
    params: ActionExpertParams,
    on_log: Callable[[int, dict[str, float]], None] | None = None,
) -> tuple[FitResult, dict[str, Any]]:
    """Train on the training part and write the policy to `paths.expert`.

    Returns:
        What the training did, and the checkpoint's meta data.

    Raises:
        CheckpointError: The world model is missing or damaged.
    """
    torch.manual_seed(params.seed)
    dataset, embodiment = prepared.dataset, prepared.embodiment
    frames = training_rows(dataset, prepared.split, embodiment, params.chunk_len, params.frame_stride)
    taken = _take(prepared, frames, paths, params)
    expert, sentences = untrained(prepared.variant, params, taken, paths.world_model, embodiment)
    rows = frames.drawn
    assert rows is not None, "training rows are named"
    normalization = fit_normalization(frames.state[rows], frames.chunk[rows], embodiment)
    meta = {
        "variant": prepared.variant,
        "world_model_sha256": taken.world_model,
        "convolutions": taken.convolutions,
        "params": params.model_dump(),
        "front_height_px": frames.front.shape[1],
        "front_width_px": frames.front.shape[2],
        "n_frames": len(rows),
        "n_parameters": sum(p.numel() for p in expert.parameters() if p.requires_grad),
        "held_out": prepared.split.how,
        "scale": f"trained on demonstrations of {embodiment.name}",
    }
    saved = ActionExpertCheckpoint(expert, feature_config(prepared.variant, params.size), normalization, meta)
    return fit_and_save(saved, taken, sentences, params, paths, on_log), meta


def require_place(folder: Path) -> None:
    """Check that a folder may be replaced: it is empty, absent, or an older expert.

    Raises:
        PolicyError: It holds something else.
    """
    is_free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not is_free and not all((folder / name).is_file() for name in EXPERT_FILES):
        raise PolicyError(
            f"{folder} holds something that is no policy.",
            expected="an empty or absent folder, or an older policy, which is replaced",
            remedy="give another --out.",
        )


def _take(
    prepared: Prepared, frames: DemonstrationFrames, paths: Paths, params: ActionExpertParams
) -> TrainingData:
    """Rows with what the variant looks through; the key stands for the dataset and for what is held out."""
    pictures = prepared.dataset.pictures
    described = [prepared.dataset.key, repr(prepared.split), prepared.embodiment.sha256()]
    key = sha256(json.dumps(described).encode()).hexdigest()[:24]
    looked_at = pictures if prepared.variant == "stems" else pictures[1:]
    wrist = looked_at[0] if looked_at else None
    frames = replace(frames, wrist=wrist, others=tuple(looked_at[1:]))
    if prepared.variant != "stems":
        return with_features(frames, key, paths, params, prepared.variant)
    device = training_device(params.device)
    convolutions = settle_for_training(params.convolutions, device, paths.cache / "own_robot" / key)
    return TrainingData(frames, None, f"{key}_{convolutions}", "", convolutions)


def _seen(dataset: OwnDataset, split: Split) -> list[RobotEpisode]:
    """The training part of the episodes."""
    parts = [(dataset.episodes[one.episode], slice(one.first, one.end)) for one in split.train]
    return [replace(whole, state=whole.state[own], action=whole.action[own]) for whole, own in parts]


def _side_of(world_model: Path) -> int:
    """The side of the pictures that a world model looks at.

    Raises:
        CheckpointError: It is missing or damaged.
    """
    from mu0.model.checkpoint import load_checkpoint

    return load_checkpoint(world_model).config.image_size_px
