"""What an action expert takes, before anything is trained: weights counted, a step timed on blank data.

Counting builds the expert on torch's meta device, where tensors have shapes and no contents, so that the
release's size is counted on a laptop.

Entry points
    estimate_expert    of one variant and size
    blank_batch        what a step is timed on
"""

from dataclasses import dataclass, replace

import torch

from mu0.model.presets import PresetName, preset
from mu0.params.action_expert import ActionExpertParams, SizeName
from mu0.policy.action_expert import (
    SEEING,
    AbstractExpert,
    ActionExpert,
    ActionExpertConfig,
    PolicyInputs,
    Variant,
)
from mu0.policy.devices import on_device
from mu0.policy.expert_training import ExpertBatch, expert_loss
from mu0.policy.front_encoder import FrontFeatures, Picture
from mu0.policy.frozen_features import FeatureConfig
from mu0.policy.head_sizes import HEAD_SIZES, feature_sizes
from mu0.policy.normalization import TOLD_DIMS
from mu0.policy.seeing_experts import seeing_expert
from mu0.training.budget import measure_step_s
from mu0.training.memory import blank_model
from mu0.training.settings import FitSettings
from mu0.training.team import training_device

FRONT_PX = 128
WRIST_PX = 64
FINE_PER_TOKEN = 4
"""Cells of the fine map along the side of an image token, in preset `small`."""
LARGEST_ON_CPU = 50_000_000
MEASURED_STEPS = 3
WEIGHT_BYTES = 4
COPIES = 5
"""Weights, gradients, moving average, and two moments of the optimizer."""
WORLD_MODELS: dict[SizeName, PresetName] = {"small": "small", "base": "small", "paper": "paper"}
META = torch.device("meta")


@dataclass(frozen=True)
class ExpertEstimate:
    """Of one training.

    Attributes:
        world_model: The preset whose features it reads, or whose sizes it takes.
        n_trainable: Weights that a training changes; those of the frozen world model are none.
        state_bytes: Weights, gradients, average and moments; what a batch needs comes on top.
        step_s: Measured seconds, or None.
        why_not_measured: Empty when it was.
        total_s: Of all steps, or None.
    """

    world_model: PresetName
    n_trainable: int
    state_bytes: int
    step_s: float | None
    why_not_measured: str
    total_s: float | None


def estimate_expert(variant: Variant, params: ActionExpertParams, *, measured: bool = True) -> ExpertEstimate:
    """Count, and time a few steps if `measured` and the machine could train it.

    Raises:
        StageError: The machine has no such device.
    """
    world_model = WORLD_MODELS[params.size]
    n = count_trainable(variant, params)
    reason = "" if measured else "not asked for"
    device = training_device(params.device)
    if measured and device.type == "cpu" and n > LARGEST_ON_CPU:
        reason = "too large for a CPU"
    state_bytes = COPIES * WEIGHT_BYTES * n
    if reason:
        return ExpertEstimate(world_model, n, state_bytes, None, reason, None)
    expert = _blank_expert(variant, params).to(device)
    batch = on_device(blank_batch(expert.config, params.batch_size), device)
    step_s = measure_step_s(
        expert,
        lambda _: batch,
        lambda given, generator: expert_loss(expert, given, params.noise_draws, generator),
        FitSettings(params.steps, params.lr),
        n=MEASURED_STEPS,
    )
    return ExpertEstimate(world_model, n, state_bytes, step_s, "", step_s * params.steps)


def count_trainable(variant: Variant, params: ActionExpertParams) -> int:
    """Weights of the expert, found out without allocating them."""
    with META:
        expert = _blank_expert(variant, params)
    return sum(weight.numel() for weight in expert.parameters() if weight.requires_grad)


def blank_batch(config: ActionExpertConfig, n: int) -> ExpertBatch:
    """A batch of `n` rows of the right shapes in which nothing is to be seen."""
    front, told, picture = None, None, None
    views = torch.zeros(n, config.n_stems, 3, WRIST_PX, WRIST_PX, dtype=torch.uint8)
    if config.is_told:
        told = torch.zeros(n, TOLD_DIMS)
    if config.is_seeing:
        tokens = torch.zeros(n, config.max_words, dtype=torch.int64)
        pixels = torch.zeros(n, 3, FRONT_PX, FRONT_PX, dtype=torch.uint8)
        picture = Picture(pixels, tokens, torch.ones_like(tokens, dtype=torch.bool))
    elif config.looks_through_encoder:
        side = FINE_PER_TOKEN * round(config.n_image_tokens**0.5)
        front = FrontFeatures(
            prefix=torch.zeros(n, config.prefix_len, config.prefix_width),
            prefix_mask=torch.ones(n, config.prefix_len, dtype=torch.bool),
            trace=torch.zeros(n, config.trace_len, config.trace_width),
            feature_map=torch.zeros(n, config.map_channels, side, side),
        )
    inputs = PolicyInputs(
        wrist=views[:, 0],
        state=torch.zeros(n, config.state_dim),
        words=torch.zeros(n, config.max_words, dtype=torch.int64),
        front=front,
        told=told,
        picture=picture,
        others=views[:, 1:] if config.n_stems > 1 else None,
    )
    chunk = torch.zeros(n, config.chunk_len, config.action_dim)
    return ExpertBatch(inputs, chunk, torch.zeros(n, config.keyframe_dims), torch.ones(n, dtype=torch.bool))


def blank_config(variant: Variant, params: ActionExpertParams) -> ActionExpertConfig:
    """The expert's shape on the world model that its size stands for; it knows one word."""
    size = HEAD_SIZES[params.size]
    config = ActionExpertConfig(
        variant=variant,
        objective=params.objective,
        vocabulary=("pick",),
        chunk_len=params.chunk_len,
        width=size.width,
        heads=size.heads,
        blocks=size.blocks,
        n_stems=2 if variant == "stems" else 1,  # the front picture is one of them
    )
    if not config.looks_through_encoder:
        return config
    model = preset(WORLD_MODELS[params.size])
    return replace(config, **feature_sizes(model, FeatureConfig(size.grid)))


def _blank_expert(variant: Variant, params: ActionExpertParams) -> AbstractExpert:
    config = blank_config(variant, params)
    if variant not in SEEING:
        return ActionExpert(config)
    return seeing_expert(config, blank_model(preset(WORLD_MODELS[params.size])), 0)
