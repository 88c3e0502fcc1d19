"""Training of one variant of the action expert, from demonstrations and a frozen world model to a checkpoint.

    demonstrations -> rows -> frozen features (cached) -> fit -> models/action_expert_ur3_<variant>

A variant that is told of the named thing needs no features: its rows hold that in hindsight. Those that learn
to see by themselves take the pictures.

The interrupted training of an equal setting is continued; its state lies in the cache folder under a key that
holds everything the result depends on, and is deleted when the checkpoint stands.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mu0.errors import PolicyError
from mu0.hardware.bfloat16 import settle_for_training
from mu0.hardware.threads import cpu_threads
from mu0.params.action_expert import ActionExpertParams, SizeName
from mu0.policy.action_expert import (
    SEEING,
    AbstractExpert,
    ActionExpert,
    ActionExpertConfig,
    Variant,
)
from mu0.policy.arms import TASK, demonstrated_arm
from mu0.policy.checkpoint import ActionExpertCheckpoint, save_action_expert, world_model_sha256
from mu0.policy.demonstrations import DemonstrationFrames, stored_demonstrations
from mu0.policy.devices import on_device
from mu0.policy.embodiment import UR3, Embodiment
from mu0.policy.expert_training import ExpertData, Sentences, expert_loss
from mu0.policy.frozen_features import (
    Extractor,
    FeatureConfig,
    FrozenFeatures,
    cache_key,
    cached_features,
)
from mu0.policy.head_sizes import HEAD_SIZES
from mu0.policy.normalization import fit_normalization
from mu0.policy.objectives import objective_of
from mu0.policy.vocabulary import build_vocabulary
from mu0.sources.lerobot.dataset_v3 import LeRobotDataset
from mu0.training.loop import FitResult, fit
from mu0.training.settings import FitSettings
from mu0.training.team import training_device

LOG = logging.getLogger(__name__)
GRAD_CLIP = 1.0
WARMUP_STEPS = 50
UNTRAINED_SEED = 0


@dataclass(frozen=True)
class Paths:
    """Where training reads and writes."""

    demonstrations: Path
    world_model: Path
    expert: Path
    cache: Path


@dataclass(frozen=True)
class TrainingData:
    """Rows of all demonstrations and their frozen features, memory-mapped; `key` stands for their content."""

    frames: DemonstrationFrames
    features: FrozenFeatures | None  # of variants that look at the front picture
    key: str
    world_model: str  # sha256 of its weights; empty for experts that know none
    convolutions: str  # what they were computed in, here and in the world model's stem


def feature_config(variant: Variant, size: SizeName) -> FeatureConfig:
    """How the features are taken that an expert of that size reads."""
    is_untrained = variant == "no_pretraining" or variant in SEEING
    return FeatureConfig(HEAD_SIZES[size].grid, untrained_seed=UNTRAINED_SEED if is_untrained else None)


def take_features(paths: Paths, params: ActionExpertParams, variant: Variant) -> TrainingData:
    """Rows and features, from the cache, where other variants find what the first one put there.

    Raises:
        SourceError: The demonstrations are missing or damaged.
        CheckpointError: The world model is.
    """
    if params.demonstrations is not None:
        LOG.warning(
            "`mu0 learn` is for %s; this learns from %s.", params.demonstrations, paths.demonstrations
        )
    frames, frames_key = stored_demonstrations(
        paths.demonstrations,
        params.chunk_len,
        params.frame_stride,
        paths.cache / "demonstrations",
        params.n_demonstrations,
        with_failures=params.with_failures,
    )
    return with_features(frames, frames_key, paths, params, variant)


def with_features(
    frames: DemonstrationFrames, frames_key: str, paths: Paths, params: ActionExpertParams, variant: Variant
) -> TrainingData:
    """Rows with what a variant needs of the world model; `frames_key` stands for their content.

    Raises:
        CheckpointError: The world model is missing or damaged.
    """
    identity = world_model_sha256(paths.world_model)
    config = feature_config(variant, params.size)
    key = cache_key(identity, config, frames_key)
    device = training_device(params.device)
    convolutions = settle_for_training(params.convolutions, device, paths.cache / "features" / key)
    if variant == "grounded" or variant in SEEING:
        return TrainingData(frames, None, f"{key}_{convolutions}", identity, convolutions)
    folder = paths.cache / "features" / key / convolutions

    def make_extractor() -> Extractor:
        # imported here: who only trains needs no world model, nor its libraries
        from mu0.model.checkpoint import load_checkpoint
        from mu0.policy.trace_features import FeatureExtractor

        return FeatureExtractor(load_checkpoint(paths.world_model).to(device), config)

    texts = [frames.instructions[i] for i in frames.instruction_id]
    with cpu_threads(params.feature_threads):
        features = cached_features(folder, make_extractor, frames.front, texts)
    return TrainingData(frames, features, f"{key}_{convolutions}", identity, convolutions)


def train_action_expert(
    paths: Paths,
    variant: Variant,
    params: ActionExpertParams,
    on_log: Callable[[int, dict[str, float]], None] | None = None,
) -> tuple[FitResult, dict[str, Any]]:
    """Train one variant and write its checkpoint.

    Args:
        paths: Inputs, output and cache.
        variant: What it sees of the scene.
        params: Section `action_expert` of params.yaml.
        on_log: Receives the rows of the training log.

    Returns:
        What the training did, and the checkpoint's meta data.

    Raises:
        PolicyError: The world model's picture of the world, the objective or the length of chunks does not
            suit the variant, or the demonstrations are not of one task of our arm.
        CheckpointError: The world model is missing or damaged.
    """
    torch.manual_seed(params.seed)
    taken = take_features(paths, params, variant)
    arm = demonstrated_arm(LeRobotDataset.open(paths.demonstrations))
    expert, sentences = untrained(variant, params, taken, paths.world_model, arm.embodiment)
    normalization = fit_normalization(taken.frames.state, taken.frames.chunk, arm.embodiment)
    meta = {
        "variant": variant,
        TASK: arm.task,
        "world_model_sha256": taken.world_model,
        "convolutions": taken.convolutions,
        "params": params.model_dump(),
        "front_height_px": taken.frames.front.shape[1],
        "front_width_px": taken.frames.front.shape[2],
        "n_frames": len(taken.frames.state),
        "n_parameters": sum(p.numel() for p in expert.parameters() if p.requires_grad),
        "scale": "trained on simulated demonstrations",
    }
    saved = ActionExpertCheckpoint(expert, feature_config(variant, params.size), normalization, meta)
    result = fit_and_save(saved, taken, sentences, params, paths, on_log)
    return result, meta


def fit_and_save(
    checkpoint: ActionExpertCheckpoint,
    taken: TrainingData,
    sentences: Sentences | None,
    params: ActionExpertParams,
    paths: Paths,
    on_log: Callable[[int, dict[str, float]], None] | None = None,
) -> FitResult:
    """Train the expert of a checkpoint and write it to `paths.expert`; goes on where it was interrupted."""
    expert, normalization, config = checkpoint.expert, checkpoint.normalization, checkpoint.expert.config
    device = training_device(params.device)
    frames = taken.frames if config.is_told else replace(taken.frames, told=None)
    data = ExpertData(frames, taken.features, normalization, config.vocabulary, config.max_words, sentences)
    expert.meet(data.chunk)
    expert.to(device)
    key = hashlib.sha256(
        json.dumps([asdict(config), params.model_dump(), taken.key, normalization.sha256()]).encode()
    ).hexdigest()[:16]
    work_folder = paths.cache / "training" / f"action_expert_{config.variant}_{key}"
    settings = FitSettings(
        params.steps, params.lr, WARMUP_STEPS, grad_clip=GRAD_CLIP, seed=params.seed, log_every=10
    )
    result = fit(
        expert,
        lambda step: data.batch(params.batch_size, params.seed, step),
        lambda batch, generator: expert_loss(expert, on_device(batch, device), params.noise_draws, generator),
        settings,
        work_folder,
        on_log,
    )
    expert.cpu()
    save_action_expert(paths.expert, checkpoint)
    shutil.rmtree(work_folder, ignore_errors=True)
    return result


def untrained(
    variant: Variant,
    params: ActionExpertParams,
    taken: TrainingData,
    world_model: Path,
    embodiment: Embodiment = UR3,
) -> tuple[AbstractExpert, Sentences | None]:
    """The expert as training begins, and the sentences in tokens if it learns to see by itself.

    Raises:
        PolicyError: The world model's picture of the world does not suit the expert.
    """
    if variant not in SEEING:
        return ActionExpert(_config(variant, params, taken.frames, taken.features, embodiment)), None
    from mu0.model.checkpoint import load_checkpoint
    from mu0.policy.seeing_experts import seeing_expert
    from mu0.policy.trace_features import FeatureExtractor

    trained, row = load_checkpoint(world_model), None
    if variant == "end_to_end":  # an expert on features, but of an encoder that learns
        extractor = FeatureExtractor(trained, FeatureConfig(untrained_seed=params.seed), with_trace=False)
        row = extractor(np.asarray(taken.frames.front[:1]), taken.frames.instructions[:1])
    config = _config(variant, params, taken.frames, row, embodiment)
    torch.manual_seed(params.seed)
    return seeing_expert(config, trained, params.seed), trained.tokenizer(taken.frames.instructions)


def _config(
    variant: Variant,
    params: ActionExpertParams,
    frames: DemonstrationFrames,
    features: FrozenFeatures | None,
    embodiment: Embodiment,
) -> ActionExpertConfig:
    size = HEAD_SIZES[params.size]
    config = ActionExpertConfig(
        variant=variant,
        objective=objective_of(variant, params.objective),
        vocabulary=build_vocabulary(frames.instructions),
        chunk_len=params.chunk_len,
        action_dim=embodiment.action_dim,
        state_dim=embodiment.state_dim,
        n_stems=len(frames.others) + (frames.wrist is not None),
        keyframe_dims=embodiment.keyframe_dims,
        width=size.width,
        heads=size.heads,
        blocks=size.blocks,
    )
    if features is None:
        return config
    n_image_tokens = features.n_image_tokens
    if round(n_image_tokens**0.5) ** 2 != n_image_tokens:
        raise PolicyError(
            f"The world model gives {n_image_tokens} image tokens.",
            expected="a square grid of image tokens",
            remedy="choose an image size and pixel shuffle that give a square in the world model's preset.",
        )
    return replace(
        config,
        prefix_width=features.prefix.shape[2],
        prefix_len=features.prefix.shape[1],
        n_image_tokens=n_image_tokens,
        trace_width=features.trace.shape[2],
        trace_len=features.trace.shape[1],
        map_channels=features.feature_map.shape[1],
    )
