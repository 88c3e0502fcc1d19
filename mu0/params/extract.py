"""Sections `extract`, `captions` and `trace_audit`: video -> traces and texts."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from mu0.params.section import Section

Share = Annotated[float, Field(ge=0, le=1)]


class ExtractParams(Section):
    """TraceExtract: clip -> episode."""

    features: Literal["descriptors"] = "descriptors"
    reconstructor: Literal["rgbd"] = "rgbd"
    tracker: Literal["lucas_kanade"] = "lucas_kanade"
    target_fps_hz: PositiveFloat = 10.0
    n_keypoints: PositiveInt = 160  # over all query frames; twice as many for wide videos
    n_entities: PositiveInt = 12
    small_width_px: PositiveInt = 256
    query_every_s: PositiveFloat = 1.0  # new keypoints so often
    helper_every_s: PositiveFloat = 0.3  # points that only help to find rigid bodies
    moving_budget_share: Annotated[float, Field(ge=0, le=1)] = 0.65
    movement_m: PositiveFloat = 0.02  # a point that leaves its place by more moves
    movement_share: PositiveFloat = 0.02  # the same without depth, of the image diagonal
    future_len: PositiveInt = 128
    history_len: PositiveInt = 32
    arc_step: PositiveFloat = 0.05  # 1 = image width, image height or metre
    arc_top_fraction: Annotated[float, Field(gt=0, le=1)] = 0.02
    anchor_stride: PositiveInt = 1  # every n-th frame gets samples
    seed: NonNegativeInt = 42
    workers: PositiveInt = 2


class CaptionsParams(Section):
    """Events and their texts."""

    captioner: Literal["template"] = "template"
    smooth_window: PositiveInt = 11
    min_chunk_len: PositiveInt = 25
    max_chunk_len: PositiveInt = 200
    accel_threshold_ratio: Share = 0.40
    min_prominence_ratio: Share = 0.40
    max_chunks: PositiveInt = 6
    max_keypoints_per_frame: NonNegativeInt = 300  # frames with this many rows are noisy; 0: never
    noisy_pad: NonNegativeInt = 0
    seed: NonNegativeInt = 0


class TraceAuditParams(Section):
    """Extracted traces against simulated truth."""

    max_clips: PositiveInt = 40
