"""Sections `trace_dataset`, `world_model` and `trace_report`."""

from typing import Literal

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

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
    lr: PositiveFloat = 1e-3
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
