"""Sections `tracegen` and `token_vlm`: the trained rivals of μ0; all keys have defaults."""

from typing import Annotated, Literal

from pydantic import Field

from mu0.params.numbers import Count, NonNegative, Positive
from mu0.params.section import Section
from mu0.params.world_model import TrainParams


class TokenVlmParams(Section):
    """The tokenised VLM: which preset, its vocabulary, and its training."""

    preset: Literal["tiny", "small", "base", "paper"] = "small"
    n_waypoints: Count = Field(default=4, description="Of a trace; each is three words.")
    words: Literal["absolute", "increments"] = "absolute"
    n_bins: Annotated[int, Field(ge=2, le=65_536)] = Field(default=256, description="Words per axis.")
    limit: Positive = Field(default=2.0, description="Largest displacement, in delta scales.")
    blur_bins: NonNegative = Field(default=2.0, description="Standard deviation of the labels; 0: none.")
    temperature: Positive = Field(default=0.5, description="Of sampling.")
    train_s: Positive | Literal["benchmark"] | None = Field(
        default="benchmark",
        description="Seconds to train; benchmark: benchmark.train_s, as all methods; null: train.steps.",
    )
    train: TrainParams = TrainParams(steps=1000, batch_size=16, n_queries=8)


class TraceGenParams(Section):
    """TraceGen: which preset, and its training on as many keypoints of a frame as there are."""

    preset: Literal["tiny", "small", "official_train", "official_eval", "official_larger"] = "small"
    train_s: Positive | Literal["benchmark"] | None = Field(
        default="benchmark",
        description="Seconds to train; benchmark: benchmark.train_s, as all methods; null: train.steps.",
    )
    train: TrainParams = TrainParams(steps=1000, batch_size=8, n_queries=64, lr=2e-3)
