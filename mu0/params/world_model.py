"""Sections `trace_dataset`, `world_model` and `trace_report`."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from mu0.params.numbers import Count, Index, LearningRate, NonNegative, Positive, Samples, Seed
from mu0.params.section import Section


class TraceDatasetParams(Section):
    """Episodes -> windows, splits and statistics."""

    history_len: Count = 8
    future_len: Count = 32
    min_future_steps: Count = Field(default=10, description="Known future steps that a keypoint needs.")
    val_share: Annotated[float, Field(ge=0, lt=0.5)] = 0.1
    test_share: Annotated[float, Field(ge=0, lt=0.5)] = 0.15
    seed: Seed = 0

    @model_validator(mode="after")
    def _known_steps_fit_into_the_future(self) -> "TraceDatasetParams":
        if self.min_future_steps > self.future_len:
            raise ValueError(
                f"min_future_steps {self.min_future_steps} exceeds future_len {self.future_len}."
            )
        return self


class TrainParams(Section):
    """How long and how fast the world model learns, and on what; docs/training.md explains each line."""

    steps: Count
    batch_size: Count = Field(default=32, description="Images of one pass on one process.")
    accumulate: Count = Field(default=1, description="Passes per optimizer step on each process.")
    n_queries: Count = 16
    fewest_queries: Index = Field(
        default=0, description="Above 0: each image has a random number of keypoints, at least this many."
    )
    resting_share: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.0, description="Of the keypoints that are asked about; 0: moving points alone, officially."
    )
    named_images: Index = Field(
        default=0,
        description="More images per step, from before a thing is touched, to learn which thing is named; "
        "0: the model cannot say it.",
    )
    lr: LearningRate = 1e-3
    warmup_steps: Index = 100
    schedule: Literal["plateau", "cosine", "constant"] = "plateau"
    weight_decay: NonNegative = 0.01
    grad_clip: Positive = 10.0
    image_jitter: NonNegative = 0.1
    depth_noise_m: NonNegative = 0.0
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.98
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    convolutions: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="Of the stem; auto is whatever is faster on this machine."
    )
    threads: Index = Field(
        default=0, description="Of the CPU, for each operation of a step; 0: one per core."
    )
    checkpointing: bool = Field(default=False, description="Compute activations twice, keep few of them.")
    compile: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"
    sharding: Literal["none", "full"] = Field(
        default="none", description="Under torchrun: every process holds all weights, or a part (FSDP2)."
    )
    checkpoint_every_s: Positive = 60.0
    validation_batches: Count = 8
    seed: Seed = 0


# the release's recipe (reference/mu0.md 4.1, 5.4): constant rate, no average, 4 images per GPU
PAPER_TRAINING: dict[str, Any] = {
    "steps": 200_000,
    "batch_size": 4,
    "n_queries": 256,
    "fewest_queries": 1,
    "resting_share": 0.0,
    "lr": 1e-4,
    "warmup_steps": 0,
    "schedule": "constant",
    "weight_decay": 1e-10,
    "image_jitter": 0.3,
    "depth_noise_m": 0.01,
    "ema_decay": 0.0,
    "precision": "bfloat16",
}


class WorldModelParams(Section):
    """μ0: which preset, what its frozen parts start from, and its training."""

    preset: Literal["tiny", "small", "base", "paper"] = "small"
    backbone_model: str | None = Field(
        default=None, description="SmolVLM2: folder, name on the hub, or `random`; the preset's by default."
    )
    backbone_revision: str = Field(default="main", description="Of a name on the hub.")
    features_model: str | None = Field(
        default=None, description="DINOv2: folder, name on the hub, or `random`; the preset's by default."
    )
    features_revision: str = Field(default="main", description="Of a name on the hub.")
    train: TrainParams

    @model_validator(mode="before")
    @classmethod
    def _paper_trains_like_the_release(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("preset") != "paper":
            return values
        train = values.get("train", {})
        return {**values, "train": PAPER_TRAINING | train} if isinstance(train, dict) else values

    @model_validator(mode="after")
    def _only_frozen_parts_have_a_model(self) -> "WorldModelParams":
        for key in ("backbone_model", "features_model"):
            value = getattr(self, key)
            if self.preset in ("tiny", "small") and value is not None:
                raise ValueError(
                    f"{key} is {value!r}, but the preset {self.preset} trains all of its weights: "
                    "leave it out, or take the preset base or paper."
                )
        return self


class TraceReportParams(Section):
    """The benchmark on held-out episodes."""

    n_samples: Samples = 5
    horizons: list[Count] = Field(default=[8, 16, 32], min_length=1)
    frames: Literal["spread", "official"] = "spread"
    frames_per_episode: Count = 5
    n_queries: Count = 16
    n_resting: Index = Field(
        default=16, description="Resting keypoints among those of a second question; 0: not asked."
    )
    moving_threshold_uv: Positive = 0.05
    n_scenes: Count = 12
    seed: Seed = 0
