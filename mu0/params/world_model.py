"""Sections `trace_dataset`, `world_model` and `trace_report`."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from mu0.params.section import Section


class TraceDatasetParams(Section):
    """Episodes -> windows, splits and statistics."""

    history_len: PositiveInt = 8
    future_len: PositiveInt = 32
    min_future_steps: PositiveInt = Field(default=10, description="Known future steps that a keypoint needs.")
    val_share: Annotated[float, Field(ge=0, lt=0.5)] = 0.1
    test_share: Annotated[float, Field(ge=0, lt=0.5)] = 0.15
    seed: NonNegativeInt = 0

    @model_validator(mode="after")
    def _known_steps_fit_into_the_future(self) -> "TraceDatasetParams":
        if self.min_future_steps > self.future_len:
            raise ValueError(
                f"min_future_steps {self.min_future_steps} exceeds future_len {self.future_len}."
            )
        return self


class TrainParams(Section):
    """How long and how fast the world model learns."""

    steps: PositiveInt
    batch_size: PositiveInt = 32
    n_queries: PositiveInt = 16
    lr: PositiveFloat = 1e-3
    warmup_steps: NonNegativeInt = 100
    weight_decay: NonNegativeFloat = 0.01
    grad_clip: PositiveFloat = 10.0
    image_jitter: NonNegativeFloat = 0.1
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
    horizons: list[PositiveInt] = Field(default=[8, 16, 32], min_length=1)
    frames: Literal["spread", "official"] = "spread"
    frames_per_episode: PositiveInt = 5
    n_queries: PositiveInt = 16
    moving_threshold_uv: PositiveFloat = 0.05
    n_scenes: PositiveInt = 12
    seed: NonNegativeInt = 0
