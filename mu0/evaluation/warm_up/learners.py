"""What the warm-up study needs to know of a method: its windows, a fresh model, its loss, its predictor.

Both arms of a comparison get the same words and the same statistics, so that nothing but the weights they
start from differs. Statistics are those of the trace dataset, computed over all its training episodes.
"""

import dataclasses
import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from mu0.dataset.batch import TraceBatch
from mu0.dataset.folders import TraceFolders
from mu0.dataset.rows import WindowShape
from mu0.dataset.statistics import NormalizerStats
from mu0.dataset.store import WindowSettings, load_slots
from mu0.dataset.windows import TraceWindows
from mu0.errors import StageError
from mu0.interfaces import AbstractTracePredictor
from mu0.params.rivals import TraceGenParams
from mu0.params.world_model import TrainParams, WorldModelParams

Loss = Callable[[TraceBatch, torch.Generator], dict[str, Tensor]]


class AbstractLearner(ABC):
    """One method in the study."""

    name: str
    train: TrainParams

    @abstractmethod
    def windows(self, slots: pd.DataFrame) -> TraceWindows:
        """Training windows of some rows of `index.parquet`."""

    @abstractmethod
    def fresh(self, windows: TraceWindows, seed: int) -> nn.Module:
        """A model with random weights; words and scales come from `windows`."""

    @abstractmethod
    def loss(self, model: nn.Module) -> Loss:
        """What is minimised."""

    @abstractmethod
    def predictor(self, model: nn.Module) -> AbstractTracePredictor:
        """The trained model behind the common interface."""


class Mu0Learner(AbstractLearner):
    """μ0 as the section `world_model` describes it."""

    name = "mu0"

    def __init__(self, params: WorldModelParams, folders: TraceFolders) -> None:
        from mu0.model.presets import preset

        self.params, self.train, self.folders = params, params.train, folders
        self.config = preset(params.preset)

    def windows(self, slots: pd.DataFrame) -> TraceWindows:
        """Training windows of some rows of `index.parquet`."""
        shape = WindowShape(self.config.history_len, self.config.future_len)
        settings = WindowSettings(shape, self.config.image_size_px, with_depth=self.config.use_depth)
        return _open(self.folders, slots, dataclasses.replace(settings, image_jitter=self.train.image_jitter))

    def fresh(self, windows: TraceWindows, seed: int) -> nn.Module:
        """Random weights where it is trained; words come from `windows` or the frozen backbone."""
        from mu0.model.pretrained import find_weights
        from mu0.training.world_model import build_model, captions_of

        weights = find_weights(self.config, self.params)
        return build_model(self.config, captions_of(windows), windows.statistics, seed, weights)

    def loss(self, model: nn.Module) -> Loss:
        """Flow, end of the event and rigidity."""
        typed: Any = model

        def terms(batch: TraceBatch, generator: torch.Generator) -> dict[str, Tensor]:
            return {"loss": typed.loss(batch, generator).total}

        return terms

    def predictor(self, model: nn.Module) -> AbstractTracePredictor:
        """The trained model behind the common interface."""
        from mu0.model.predictor import TracePredictor

        typed: Any = model
        return TracePredictor(typed)


class TraceGenLearner(AbstractLearner):
    """TraceGen as the section `tracegen` describes it."""

    name = "tracegen"

    def __init__(self, params: TraceGenParams, history_len: int, folders: TraceFolders) -> None:
        from mu0.baselines.tracegen.config import preset

        self.train, self.history_len, self.folders = params.train, history_len, folders
        self.config = preset(params.preset)

    def windows(self, slots: pd.DataFrame) -> TraceWindows:
        """Training windows of some rows of `index.parquet`."""
        from mu0.training.tracegen import window_settings

        return _open(
            self.folders, slots, window_settings(self.config, self.history_len, self.train.image_jitter)
        )

    def fresh(self, windows: TraceWindows, seed: int) -> nn.Module:
        """A model with random weights; words and the scale of increments come from `windows`."""
        from mu0.training.tracegen import build_tracegen

        return build_tracegen(self.config, windows, seed)

    def loss(self, model: nn.Module) -> Loss:
        """Flow matching on increments."""
        typed: Any = model
        loss: Loss = typed.loss
        return loss

    def predictor(self, model: nn.Module) -> AbstractTracePredictor:
        """The trained model behind the common interface."""
        module = importlib.import_module("mu0.baselines.tracegen.predictor")
        predictor: AbstractTracePredictor = module.TraceGenPredictor(model)
        return predictor


def choose_learners(names: Sequence[str], known: Sequence[AbstractLearner]) -> list[AbstractLearner]:
    """The learners called `names`, in that order.

    Raises:
        StageError: There is no such learner.
    """
    by_name = {learner.name: learner for learner in known}
    if unknown := [name for name in names if name not in by_name]:
        raise StageError(
            f"The warm-up study knows no method {unknown[0]!r}.",
            expected=", ".join(by_name),
            remedy="correct benchmark.warm_up.methods in params.yaml.",
        )
    return [by_name[name] for name in names]


def _open(folders: TraceFolders, slots: pd.DataFrame, settings: WindowSettings) -> TraceWindows:
    statistics = NormalizerStats.read(folders.statistics)
    return TraceWindows(load_slots(slots, folders.episodes, folders.captions, settings), statistics, settings)
