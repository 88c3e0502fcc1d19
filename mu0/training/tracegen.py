"""Builds TraceGen for a trace dataset, and warms a trained one up on a few demonstrations.

Warm-up is the published recipe: start from the trained weights, change nothing else, train on all windows of
a few episodes, in the usual loop. The checkpoint's own statistics and words stay, so both arms of a
comparison (from pretrained, from scratch) must be given the same ones.

Entry points
    open_windows     the training and validation windows that a config needs
    build_tracegen   a fresh model; its words and the scale of its increments come from the training windows
    few_episodes     windows of `n` training episodes, drawn by a seed
    warm_up          go on from a trained model on such windows

Source: reference/tracegen_tau0_pi0_lerobot.md A.11.
"""

import dataclasses
import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mu0.baselines.tracegen.config import TraceGenConfig
from mu0.baselines.tracegen.increments import increments_of
from mu0.baselines.tracegen.model import TraceGen
from mu0.dataset.batch import TraceBatch
from mu0.dataset.index import read_slots
from mu0.dataset.rows import WindowShape
from mu0.dataset.store import WindowSettings, load_slots
from mu0.dataset.windows import INDEX_NAME, TraceWindows
from mu0.errors import DatasetError
from mu0.files import sha256_of_tree
from mu0.model.tokenizer import train_tokenizer
from mu0.params.world_model import TrainParams
from mu0.training.loop import FitResult, fit
from mu0.training.settings import FitSettings
from mu0.training.world_model import captions_of

SMALLEST_SCALE = 1e-4
SCALE_BATCHES, SCALE_IMAGES = 4, 32


@dataclasses.dataclass(frozen=True)
class WarmUp:
    """How a few demonstrations are learned."""

    steps: int = 250
    batch_size: int = 16
    n_queries: int = 64
    lr: float = 5e-4


@dataclasses.dataclass(frozen=True)
class Demonstrations:
    """Which episodes of the training split; of any source when left out."""

    n_episodes: int = 5
    seed: int = 0
    source: str | None = None


def window_settings(config: TraceGenConfig, history_len: int, image_jitter: float = 0.0) -> WindowSettings:
    """Windows as μ0 sees them, with depth; TraceGen does not look at the past."""
    shape = WindowShape(history_len, config.future_len)
    return WindowSettings(shape, config.image_size_px, with_depth=True, image_jitter=image_jitter)


def open_windows(
    dataset: Path,
    episodes_root: Path,
    captions_root: Path,
    config: TraceGenConfig,
    train: TrainParams,
    shape: WindowShape | None = None,
) -> dict[str, TraceWindows]:
    """The splits "train" and, where there is one, "val"; only training images are jittered.

    Depth is loaded, the past is not looked at; `shape` is the usual one when left out.
    """
    present = set(read_slots(dataset / INDEX_NAME)["split"])
    shape = shape or WindowShape(future_len=config.future_len)
    settings = dataclasses.replace(window_settings(config, shape.history_len), shape=shape)
    jittered = dataclasses.replace(settings, image_jitter=train.image_jitter)
    windows = {"train": TraceWindows.open(dataset, episodes_root, captions_root, "train", jittered)}
    if "val" in present:
        windows["val"] = TraceWindows.open(dataset, episodes_root, captions_root, "val", settings)
    return windows


def build_tracegen(config: TraceGenConfig, windows: TraceWindows, seed: int) -> TraceGen:
    """A model with random weights that depend on `seed` only.

    Small presets (those whose encoders are trained) take the scale of increments from the windows; the
    published ones keep their fixed bounds.
    """
    tokenizer = train_tokenizer(captions_of(windows), config.vocabulary_size, config.max_text_tokens)
    if not config.freeze_encoders:
        u, v, z = measured_scale(windows).tolist()
        config = dataclasses.replace(config, increment_scale=(u, v, z))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TraceGen(config, tokenizer, windows.statistics)


def measured_scale(windows: TraceWindows) -> Float[Tensor, "3"]:
    """Root mean square increment per axis: u, v, and z [m]; 1 for z where nothing has depth."""
    scale = torch.from_numpy(windows.statistics.delta_scale)
    n_keypoints = windows.settings.max_rows_per_slot
    squares, counts = torch.zeros(3), torch.zeros(3)
    for number in range(SCALE_BATCHES):
        batch = windows.batch(number, SCALE_IMAGES, n_keypoints, seed=0)
        increments, known = increments_of(batch.future * scale, batch.future_valid)
        weights = known[..., None].float().repeat(1, 1, 1, 3)
        if batch.has_depth_axis is not None:
            weights[..., 2] *= batch.has_depth_axis[:, None, None]
        squares += (increments.square() * weights).sum((0, 1, 2))
        counts += weights.sum((0, 1, 2))
    measured = (squares / counts.clamp(min=1)).sqrt().clamp(min=SMALLEST_SCALE)
    return torch.where(counts > 0, measured, 1.0)


def tracegen_key(config: TraceGenConfig, train: TrainParams, dataset: Path, train_s: float | None) -> str:
    """Names the folder of an interrupted training: it goes on only for equal params, sizes and data."""
    content = {
        "config": dataclasses.asdict(config),
        "train": train.model_dump(),
        "train_s": train_s,
        "dataset": sha256_of_tree(dataset),
        "threads": torch.get_num_threads(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def few_episodes(
    dataset: Path,
    episodes_root: Path,
    captions_root: Path,
    like: TraceWindows,
    which: Demonstrations,
) -> TraceWindows:
    """Windows of a few training episodes, with the settings and statistics of `like`.

    Raises:
        DatasetError: There are not that many.
    """
    slots = read_slots(dataset / INDEX_NAME)
    slots = slots[slots["split"] == "train"]
    if which.source is not None:
        slots = slots[slots["source"] == which.source]
    episodes = np.sort(slots["episode_id"].unique())
    if not 1 <= which.n_episodes <= len(episodes):
        raise DatasetError(
            f"{which.n_episodes} training episodes were asked for; "
            f"{which.source or 'the dataset'} has {len(episodes)}.",
            expected="at least one, and no more than there are",
            remedy="ask for fewer, or add videos of that source.",
        )
    chosen = np.random.default_rng(which.seed).choice(episodes, which.n_episodes, replace=False)
    rows = slots[slots["episode_id"].isin(chosen)]
    store = load_slots(rows, episodes_root, captions_root, like.settings)
    return TraceWindows(store, like.statistics, like.settings)


def warm_up(model: TraceGen, windows: TraceWindows, seed: int, how: WarmUp | None = None) -> FitResult:
    """Train a pretrained model in place on the windows of few episodes; equal seeds give equal weights."""
    how = how or WarmUp()
    settings = FitSettings(steps=how.steps, lr=how.lr, seed=seed)

    def make_batch(number: int) -> TraceBatch:
        return windows.batch(number, how.batch_size, how.n_queries, seed)

    with tempfile.TemporaryDirectory() as folder:
        return fit(model, make_batch, model.loss, settings, Path(folder))
