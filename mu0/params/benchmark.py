"""Section `benchmark`: the trace benchmark `mu0 benchmark traces` and its warm-up study."""

from typing import Annotated, Literal

from pydantic import Field

from mu0.params.numbers import Count, Index, Positive, Samples, Seed, SidePx
from mu0.params.section import Section


class WarmUpParams(Section):
    """What a few demonstrations of a new embodiment are worth, with and without pretraining."""

    pretrain_sources: list[str] = Field(default=["hand_sim"], min_length=1, description="Learned from first.")
    target_source: str = Field(default="ur3_sim", description="The new embodiment; also evaluated on.")
    n_demonstrations: list[Count] = Field(default=[5, 15], min_length=1)
    pretrain_steps: Count = 500
    steps: Count = Field(default=200, description="On the demonstrations, equal for both arms.")
    n_draws: Count = Field(default=2, description="How often demonstrations are drawn anew.")
    methods: list[str] = Field(default=["mu0", "tracegen"], min_length=1)


class BenchmarkParams(Section):
    """Equal data, equal wall-clock, equal questions for every method."""

    train_s: Positive = Field(default=200.0, description="Training time of every method [s].")
    n_samples: Samples = Field(default=5, description="Futures per question: the S of best-of-S.")
    horizons: list[Count] = Field(default=[8, 16, 32], min_length=1)
    frames_per_episode: Count = Field(default=5, description="Evenly spaced; only for protocol spread.")
    protocol: Literal["spread", "official"] = Field(
        default="spread", description="official: the moments of the published evaluation (docs/benchmark.md)."
    )
    max_episodes: Count = Field(default=60, description="Most held-out episodes of each source.")
    n_queries: Count = 16
    n_resting: Index = Field(
        default=16, description="Resting keypoints among those of a second question; 0: not asked."
    )
    moving_threshold_uv: Positive = 0.05
    unseen_clips: Count = Field(
        default=12, description="Clips with objects, and as many with camera motion, that no training shows."
    )
    unseen_size_px: SidePx = 128
    n_panels: Count = Field(default=8, description="Scenes drawn with all methods side by side.")
    n_resamples: Annotated[int, Field(ge=100, le=1_000_000)] = 2000
    seed: Seed = 0
    warm_up: WarmUpParams = WarmUpParams()
