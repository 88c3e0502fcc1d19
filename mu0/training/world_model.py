"""Trains μ0 on a trace dataset: windows, model, loop, validation, checkpoint.

Entry points
    open_windows        the training and validation windows of a dataset
    build_model         a fresh model for a dataset; frozen parts get their pretrained weights
    model_for           the same for some windows, with a head for what moves if they show what rests
    train_world_model   train it and return what was measured
"""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mu0.dataset.batch import TraceBatch
from mu0.dataset.index import read_slots
from mu0.dataset.rows import WindowShape
from mu0.dataset.statistics import NormalizerStats
from mu0.dataset.store import WindowSettings
from mu0.dataset.windows import INDEX_NAME, TraceWindows
from mu0.files import sha256_of_tree
from mu0.hardware.bfloat16 import settle_for_training
from mu0.model.config import WorldModelConfig
from mu0.model.pretrained import NO_WEIGHTS, StartingWeights, fill_frozen, require_weights, start_tokenizer
from mu0.model.world_model import TraceWorldModel
from mu0.params.world_model import TrainParams
from mu0.training.acceleration import accelerated
from mu0.training.calibration import calibrate_moves
from mu0.training.loop import FitResult, fit
from mu0.training.settings import FitSettings
from mu0.training.sharding import gathered, shard
from mu0.training.team import current_team, training_device
from mu0.training.validation import validate

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingRun:
    """A trained model and its numbers."""

    model: TraceWorldModel
    fitted: FitResult
    validation: dict[str, float]
    convolutions: str  # what the stem's were computed in


def build_model(
    config: WorldModelConfig,
    captions: Sequence[str],
    statistics: NormalizerStats,
    seed: int,
    weights: StartingWeights = NO_WEIGHTS,
) -> TraceWorldModel:
    """A model to be trained: what is trained starts from random weights that depend on `seed` only.

    Args:
        config: Sizes.
        captions: Its vocabulary, unless a pretrained backbone brings its own.
        statistics: Of the dataset.
        seed: Of the random weights.
        weights: What frozen parts start from (`mu0.model.pretrained.find_weights`).

    Raises:
        WeightsError: Frozen parts lack weights, or theirs cannot be read or do not fit.
    """
    require_weights(config, weights)
    tokenizer = start_tokenizer(config, captions, weights)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = TraceWorldModel(config, tokenizer, statistics)
        fill_frozen(model, weights)
    return model


def fit_settings(train: TrainParams) -> FitSettings:
    """The section of params.yaml as settings of the loop."""
    return FitSettings(
        steps=train.steps,
        lr=train.lr,
        warmup_steps=train.warmup_steps,
        schedule=train.schedule,
        weight_decay=train.weight_decay,
        grad_clip=train.grad_clip,
        ema_decay=train.ema_decay,
        accumulate=train.accumulate,
        precision=train.precision,
        threads=train.threads,
        seed=train.seed,
        checkpoint_every_s=train.checkpoint_every_s,
    )


def train_world_model(
    model: TraceWorldModel,
    windows: Mapping[str, TraceWindows],
    train: TrainParams,
    work_folder: Path,
    on_log: Callable[[int, dict[str, float]], None] | None = None,
) -> TrainingRun:
    """Train in place on `windows["train"]`, then validate on `windows["val"]` if there is one.

    Under torchrun all processes must call. The model is trained on `train.device`; the one in the result is
    whole and on the CPU.

    Raises:
        StageError: The machine cannot train as asked; see also `mu0.training.loop.fit`.
    """
    device = training_device(train.device)
    convolutions = settle_for_training(train.convolutions, device, work_folder)
    model.to(device)
    if train.sharding == "full":
        shard(model, device)

    def make_batch(number: int) -> TraceBatch:
        return windows["train"].batch(number, train.batch_size, train.n_queries, train.seed)

    def loss(batch: TraceBatch, generator: torch.Generator) -> dict[str, Tensor]:
        terms = model.loss(batch.to(device), generator)
        logged = {"loss": terms.total, "flow": terms.flow, "done": terms.done, "rigidity": terms.rigidity}
        more = {"moves": terms.moves, "named": terms.named}
        return logged | {name: value for name, value in more.items() if value is not None}

    with accelerated(
        model, checkpointing=train.checkpointing, compiling=train.compile, precision=train.precision
    ):
        fitted = fit(model, make_batch, loss, fit_settings(train), work_folder, on_log)
    validation: dict[str, float] = {}
    if "val" in windows:
        mixed = windows["val"]
        official = mixed.officially() if mixed.asks_about_rest else mixed
        validation = validate(model, _held_out(official, train, device), train.seed)
        if mixed.asks_about_rest:
            validation |= calibrate_moves(model, _held_out(mixed, train, device), train.seed)
    model = gathered(model) if train.sharding == "full" else model.to("cpu")
    return TrainingRun(model, fitted, validation, convolutions)


def _held_out(windows: TraceWindows, train: TrainParams, device: torch.device) -> list[TraceBatch]:
    """Batches to measure on."""
    return [
        windows.batch(index, train.batch_size, train.n_queries, train.seed).to(device)
        for index in range(train.validation_batches)
    ]


def model_for(
    config: WorldModelConfig, windows: TraceWindows, seed: int, weights: StartingWeights = NO_WEIGHTS
) -> TraceWorldModel:
    """`build_model` for some training windows.

    It says what moves if they show what rests, and which thing is named if they show it untouched.

    Raises:
        WeightsError: As `build_model`.
    """
    if windows.asks_about_rest:
        config = dataclasses.replace(config, moves_head=True)
    if windows.asks_what_is_named:
        config = dataclasses.replace(config, named_thing=True)
    return build_model(config, captions_of(windows), windows.statistics, seed, weights)


def open_windows(
    dataset: Path, episodes_root: Path, captions_root: Path, config: WorldModelConfig, train: TrainParams
) -> dict[str, TraceWindows]:
    """The splits "train" and, where there is one, "val"; only training images are jittered.

    Where resting points are asked for and the training episodes have none, windows are official ones; it is
    told, and the model then has no head that says what moves. The same holds for moments before a touch.
    """
    present = set(read_slots(dataset / INDEX_NAME)["split"])
    shape = WindowShape(config.history_len, config.future_len)
    settings = WindowSettings(
        shape, config.image_size_px, with_depth=config.use_depth, resting_share=train.resting_share
    )
    jittered = dataclasses.replace(
        settings,
        image_jitter=train.image_jitter,
        depth_noise_m=train.depth_noise_m,
        named_images=train.named_images,
        fewest_queries=train.fewest_queries,
        max_rows_per_slot=max(settings.max_rows_per_slot, train.n_queries),
    )
    windows = {"train": TraceWindows.open(dataset, episodes_root, captions_root, "train", jittered)}
    if "val" in present:
        windows["val"] = TraceWindows.open(dataset, episodes_root, captions_root, "val", settings)
    if train.resting_share > 0 and not windows["train"].asks_about_rest:
        LOG.warning(
            "resting_share is %g, but no training episode holds resting points: training as officially, on "
            "moving points alone. Extract again to have them.",
            train.resting_share,
        )
    if train.named_images > 0 and not windows["train"].asks_what_is_named:
        LOG.warning(
            "named_images is %d, but no training episode shows, beside resting points, a thing that rests "
            "and then goes far: the model will not say which thing is named.",
            train.named_images,
        )
    return windows


def captions_of(windows: TraceWindows) -> list[str]:
    """Every text that training can draw, each once."""
    pools = windows.store.captions
    return sorted({text for pool in pools for caption in pool.captions for text in caption.paraphrases})


def training_key(
    config: WorldModelConfig, train: TrainParams, dataset: Path, weights: StartingWeights
) -> str:
    """Names the folder of an interrupted training: it goes on only for equal params, sizes, weights, data."""
    content = {
        "config": dataclasses.asdict(config),
        "train": train.model_dump(),
        "dataset": sha256_of_tree(dataset),
        "threads": torch.get_num_threads(),
        "processes": current_team().size,
    }
    if weights.facts:
        content["weights"] = weights.facts
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
