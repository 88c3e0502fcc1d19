"""Sections `extract`, `captions` and `trace_audit`: video -> traces and texts."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from mu0.params.section import Section


class ExtractParams(Section):
    """TraceExtract: clip -> episode."""

    features: Literal["descriptors"] = "descriptors"
    reconstructor: Literal["rgbd"] = "rgbd"
    tracker: Literal["lucas_kanade"] = "lucas_kanade"
    target_fps_hz: PositiveFloat = 10.0
    seed: NonNegativeInt = 42
    workers: PositiveInt = 2


class CaptionsParams(Section):
    """Events and their texts."""

    captioner: Literal["template"] = "template"


class TraceAuditParams(Section):
    """Extracted traces against simulated truth."""

    max_clips: PositiveInt = 40


Share = Annotated[float, Field(ge=0, le=1)]
