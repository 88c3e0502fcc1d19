"""Sections `trace_dataset`, `world_model` and `trace_report`."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from mu0.params.section import Section


class TraceDatasetParams(Section):
    """Episodes -> windows, splits and statistics."""

    history_len: PositiveInt = 8
    future_len: PositiveInt = 32
    seed: NonNegativeInt = 0


class TrainParams(Section):
    """How long and how fast the world model learns."""

    steps: PositiveInt
    batch_size: PositiveInt = 32
    n_queries: PositiveInt = 16
    lr: PositiveFloat = 1e-3
    warmup_steps: NonNegativeInt = 100
    weight_decay: NonNegativeFloat = 0.01
    grad_clip: PositiveFloat = 10.0
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.98
    checkpoint_every_s: PositiveFloat = 60.0
    validation_batches: PositiveInt = 8
    seed: NonNegativeInt = 0


class WorldModelParams(Section):
    """μ0: which preset, and its training."""

    preset: Literal["tiny", "small", "base", "paper"] = "small"
    train: TrainParams


class TraceReportParams(Section):
    """The benchmark on held-out episodes."""

    n_samples: PositiveInt = 5
    horizons: list[PositiveInt] = [8, 16, 32]
    seed: NonNegativeInt = 0
