"""Training of one variant of the action expert, from demonstrations and a frozen world model to a checkpoint.

    demonstrations -> rows -> frozen features (cached) -> fit -> models/action_expert_ur3_<variant>

The interrupted training of an equal setting is continued; its state lies in the cache folder under a key that
holds everything the result depends on, and is deleted when the checkpoint stands.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from mu0.errors import PolicyError
from mu0.model.checkpoint import load_checkpoint
from mu0.params.action_expert import ActionExpertParams
from mu0.policy.action_expert import ActionExpert, ActionExpertConfig, Variant
from mu0.policy.checkpoint import ActionExpertCheckpoint, save_action_expert, world_model_sha256
from mu0.policy.demonstrations import DemonstrationFrames, flatten_demonstrations
from mu0.policy.expert_training import ExpertData, expert_loss
from mu0.policy.normalization import fit_normalization
from mu0.policy.trace_features import (
    FeatureConfig,
    FeatureExtractor,
    FrozenFeatures,
    cache_key,
    cached_features,
)
from mu0.policy.vocabulary import build_vocabulary
from mu0.progress import track
from mu0.sources.lerobot.dataset_v3 import LeRobotDataset
from mu0.training.loop import FitResult, fit
from mu0.training.settings import FitSettings

GRAD_CLIP = 1.0
WARMUP_STEPS = 50
DECODERS = 2


@dataclass(frozen=True)
class Paths:
    """Where training reads and writes."""

    demonstrations: Path
    world_model: Path
    expert: Path
    cache: Path


def load_demonstration_frames(root: Path, chunk_len: int, frame_stride: int) -> DemonstrationFrames:
    """Decode all demonstrations of a LeRobotDataset.

    Raises:
        SourceError: The dataset is damaged.
        PolicyError: It holds no frames.
    """
    dataset = LeRobotDataset.open(root)
    numbers = range(len(dataset.episodes))
    with ThreadPoolExecutor(DECODERS) as pool:  # FFmpeg decodes outside the interpreter lock
        episodes = track(pool.map(dataset.load_episode, numbers), "demonstrations", total=len(numbers))
        return flatten_demonstrations(episodes, chunk_len, frame_stride)


def take_features(paths: Paths, params: ActionExpertParams) -> FrozenFeatures:
    """Put the frozen features of all demonstrations into the cache, where every variant finds them.

    Raises:
        SourceError: The demonstrations are missing or damaged.
        CheckpointError: The world model is.
    """
    frames = load_demonstration_frames(paths.demonstrations, params.chunk_len, params.frame_stride)
    extractor = FeatureExtractor(load_checkpoint(paths.world_model), FeatureConfig())
    return _features(frames, extractor, world_model_sha256(paths.world_model), paths)


def _features(
    frames: DemonstrationFrames, extractor: FeatureExtractor, world_model: str, paths: Paths
) -> FrozenFeatures:
    texts = [frames.instructions[i] for i in frames.instruction_id]
    return cached_features(extractor, world_model, frames.front, texts, paths.cache / "features")


def train_action_expert(
    paths: Paths,
    variant: Variant,
    params: ActionExpertParams,
    on_log: Callable[[int, dict[str, float]], None] | None = None,
) -> tuple[FitResult, dict[str, Any]]:
    """Train one variant and write its checkpoint.

    Args:
        paths: Inputs, output and cache.
        variant: `mu0` or `no_trace`.
        params: Section `action_expert` of params.yaml.
        on_log: Receives the rows of the training log.

    Returns:
        What the training did, and the checkpoint's meta data.

    Raises:
        PolicyError: The world model's picture of the world does not suit the expert.
        CheckpointError: The world model is missing or damaged.
    """
    torch.manual_seed(params.seed)
    frames = load_demonstration_frames(paths.demonstrations, params.chunk_len, params.frame_stride)
    identity = world_model_sha256(paths.world_model)
    extractor = FeatureExtractor(load_checkpoint(paths.world_model), FeatureConfig())
    features = _features(frames, extractor, identity, paths)
    config = _config(variant, params, frames, features, extractor.n_image_tokens)
    normalization = fit_normalization(frames.state, frames.chunk)
    expert = ActionExpert(config)
    data = ExpertData(frames, features, normalization, config.vocabulary, config.max_words)
    texts = [frames.instructions[i] for i in frames.instruction_id]
    data_key = cache_key(identity, extractor.config, frames.front, texts)
    key = hashlib.sha256(
        json.dumps([asdict(config), params.model_dump(), data_key, normalization.sha256()]).encode()
    ).hexdigest()[:16]
    work_folder = paths.cache / "training" / f"action_expert_{variant}_{key}"
    settings = FitSettings(
        params.steps, params.lr, WARMUP_STEPS, grad_clip=GRAD_CLIP, seed=params.seed, log_every=10
    )
    result = fit(
        expert,
        lambda step: data.batch(params.batch_size, params.seed, step),
        lambda batch, generator: expert_loss(expert, batch, params.noise_draws, generator),
        settings,
        work_folder,
        on_log,
    )
    meta = {
        "variant": variant,
        "world_model_sha256": identity,
        "params": params.model_dump(),
        "front_height_px": frames.front.shape[1],
        "front_width_px": frames.front.shape[2],
        "n_frames": len(data),
        "n_parameters": sum(p.numel() for p in expert.parameters()),
        "scale": "trained on simulated demonstrations",
    }
    save_action_expert(paths.expert, ActionExpertCheckpoint(expert, extractor.config, normalization, meta))
    shutil.rmtree(work_folder, ignore_errors=True)
    return result, meta


def _config(
    variant: Variant,
    params: ActionExpertParams,
    frames: DemonstrationFrames,
    features: FrozenFeatures,
    n_image_tokens: int,
) -> ActionExpertConfig:
    if round(n_image_tokens**0.5) ** 2 != n_image_tokens:
        raise PolicyError(
            f"The world model gives {n_image_tokens} image tokens.",
            expected="a square grid of image tokens",
            remedy="choose an image size and pixel shuffle that give a square in the world model's preset.",
        )
    return ActionExpertConfig(
        variant=variant,
        objective=params.objective,
        prefix_width=features.prefix.shape[2],
        prefix_len=features.prefix.shape[1],
        n_image_tokens=n_image_tokens,
        trace_width=features.trace.shape[2],
        trace_len=features.trace.shape[1],
        map_channels=features.feature_map.shape[1],
        vocabulary=build_vocabulary(frames.instructions),
        chunk_len=params.chunk_len,
        width=params.width,
        blocks=params.blocks,
    )
