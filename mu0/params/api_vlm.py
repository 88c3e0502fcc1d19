"""Section `api_vlm`: a chat model behind an endpoint, asked for traces; all keys have defaults."""

from typing import Annotated, Literal

from pydantic import Field

from mu0.params.extract import OpenAiParams
from mu0.params.numbers import Count, PositiveShare, SidePx


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
