"""Sections of the trained rivals of μ0, and of chat models behind an endpoint; all have defaults."""

from typing import Annotated, Literal

from pydantic import Field

from mu0.params.extract import OpenAiParams
from mu0.params.numbers import Count, NonNegative, Positive, PositiveShare, SidePx
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


class ApiVlmParams(OpenAiParams):
    """A chat model behind an endpoint as trace predictor; off, because it sends images to another party."""

    enabled: bool = False
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    top_p: PositiveShare | None = 0.95
    max_tokens: Count = 8192
    image_side_px: SidePx = 768
    use_history: bool = False
    use_depth: bool = False
    incomplete: Literal["refuse", "complete"] = Field(
        default="refuse",
        description="complete: as officially, missing keypoints rest and short answers repeat their end.",
    )
    offline: bool = Field(default=False, description="Replay kept answers only; nothing is sent.")


class TraceGenParams(Section):
    """TraceGen: which preset, and its training on as many keypoints of a frame as there are."""

    preset: Literal["tiny", "small", "official_train", "official_eval", "official_larger"] = "small"
    train_s: Positive | Literal["benchmark"] | None = Field(
        default="benchmark",
        description="Seconds to train; benchmark: benchmark.train_s, as all methods; null: train.steps.",
    )
    train: TrainParams = TrainParams(steps=1000, batch_size=8, n_queries=64, lr=2e-3)
