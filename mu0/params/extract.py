"""Sections `extract`, `captions`, `trace_audit` and `caption_audit`: video -> traces and texts."""

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from mu0.params.learned import (
    FeaturesName,
    HandsName,
    LearnedParams,
    ReconstructorName,
    TrackerName,
    missing_model,
)
from mu0.params.numbers import (
    Count,
    Index,
    NonNegative,
    Positive,
    PositiveShare,
    Seed,
    Share,
    SidePx,
    Workers,
)
from mu0.params.section import Section

ModeName = Literal["traceextract", "traceforge"]
MODES = get_args(ModeName)
MIN_CORE_FRAMES = 16


class ExtractParams(Section):
    """TraceExtract: clip -> episode."""

    mode: ModeName = "traceextract"  # traceforge: a grid from every query frame
    features: FeaturesName = "descriptors"
    reconstructor: ReconstructorName = "rgbd"
    tracker: TrackerName = "lucas_kanade"
    hands: HandsName = "off"  # joints of hands, where .venv-hands is installed
    learned: LearnedParams = LearnedParams()
    target_fps_hz: Positive = 10.0
    n_keypoints: Count = 160  # over all query frames; twice as many for wide videos
    n_entities: Count = 12
    clustering: Literal["kmeans", "bipartite"] = "kmeans"  # how patches become entities
    allocation: Literal["per_frame", "per_entity", "peak_frame"] = "per_frame"  # who shares the keypoints
    small_width_px: SidePx = 256
    query_every_s: Positive = 1.0  # new keypoints so often
    helper_every_s: Positive = 0.3  # points that only help to find rigid bodies
    moving_budget_share: Share = 0.65
    resting_budget_share: Share = 0.25  # of n_keypoints: points per anchor that rest; 0: official rows only
    thing_points: Index = 24  # besides, on things that rest (with depth): points per window
    movement_m: Positive = 0.02  # a point that leaves its place by more moves
    movement_share: Positive = 0.02  # the same without depth, of the image diagonal
    future_len: Count = 128
    history_len: Count = 32
    arc_step: Positive = 0.05  # 1 = image width, image height or metre
    arc_top_fraction: PositiveShare = 0.02
    anchor_stride: Count = 1  # every n-th frame gets samples
    window_frames: Count = 400  # longer clips are held in memory so many frames at a time
    lookahead_frames: Count = 128  # of a window's frames, those that only show how its traces go on
    seed: Seed = 42
    workers: Workers = 2

    @field_validator("hands", mode="before")
    @classmethod
    def _off_is_a_word(cls, given: object) -> object:
        return "off" if given is False else given  # YAML reads a bare `off` as false

    @property
    def window_ahead(self) -> int:
        """Frames that a window looks ahead: raw traces are never cut by it."""
        return max(self.lookahead_frames, self.future_len)

    @model_validator(mode="after")
    def _windows_have_frames_of_their_own(self) -> "ExtractParams":
        around = self.window_ahead + self.history_len
        if self.window_frames < around + MIN_CORE_FRAMES:
            raise ValueError(
                f"window_frames is {self.window_frames}: at least {around + MIN_CORE_FRAMES} are needed, "
                f"{around} of them to look ahead (lookahead_frames, future_len) and back (history_len)."
            )
        return self

    @model_validator(mode="after")
    def _hands_have_their_mode(self) -> "ExtractParams":
        if self.hands != "off" and self.mode != "traceextract":
            raise ValueError(f"hands is {self.hands}, which mode {self.mode} does not know: set it to off.")
        return self

    @model_validator(mode="after")
    def _learned_backends_have_their_model(self) -> "ExtractParams":
        for backend in (self.features, self.reconstructor, self.tracker):
            if (fault := missing_model(backend, self.learned)) is not None:
                raise ValueError(fault)
        return self


# AgiBot's segments are fewer and longer: reference/traceextract.md §3 and §4.1.
AGIBOT = {
    "cut": "acceleration",
    "max_chunk_len": 300,
    "accel_threshold_ratio": 0.35,
    "max_chunks": 3,
    "more_chunks_if_long": False,
    "split_without_peaks": False,
    "use_motion_mask": False,
}


class LocalVlmParams(Section):
    """A vision-language model of the SmolVLM2 or Qwen3-VL family on this machine, through transformers."""

    model: str = "HuggingFaceTB/SmolVLM2-500M-Video-Instruct"  # name on the hub, or a folder
    revision: str = "main"  # of a name on the hub
    device: str = "auto"  # "auto": the GPU where there is one
    max_new_tokens: Count = 512


class OpenAiParams(Section):
    """An OpenAI-compatible endpoint; the key stays in the environment."""

    base_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+")] = "https://api.openai.com/v1"
    model: str = "gpt-4o-mini"
    # name of an environment variable, never the key itself; "" sends none
    api_key_env: Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")] = "OPENAI_API_KEY"
    concurrency: Workers = 6
    timeout_s: Positive = 60.0
    attempts: Count = 4
    backoff_s: Positive = 0.5  # doubled after every attempt
    longest_wait_s: Positive = 120.0  # a Retry-After beyond this counts as a failure
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    top_p: PositiveShare | None = None  # null: not sent
    max_tokens: Count = 1024
    json_mode: bool = True  # ask for response_format json_object; some servers do not know it
    usd_per_million_prompt_tokens: NonNegative = 0.0  # 0: not told, so no cost is reported
    usd_per_million_completion_tokens: NonNegative = 0.0


class CaptionsParams(Section):
    """Events and their texts."""

    preset: Literal["standard", "agibot"] = (
        "standard"  # defaults of the event keys below, and AgiBot's extra fields
    )
    captioner: Literal["template", "local_vlm", "openai"] = "template"
    fallback: Literal["template", "none"] = (
        "template"  # what a model could not describe: templates, or nothing
    )
    cut: Literal["skills", "acceleration"] = "skills"  # where events begin; acceleration: the official cuts
    min_skill_len: Count = 3  # frames of the shortest event of a known course of skills
    smooth_window: Count = 11
    min_chunk_len: Count = 25
    max_chunk_len: Count = 200
    accel_threshold_ratio: Share = 0.40
    min_prominence_ratio: Share = 0.40
    max_chunks: Count = 6  # peaks give at most one event less, as in the official code
    more_chunks_if_long: bool = True  # clips beyond max_chunks * max_chunk_len may have more
    split_without_peaks: bool = True  # a clip without peaks is cut in thirds
    max_keypoints_per_frame: Index = 300  # frames with this many rows are noisy; 0: never
    noisy_pad: Index = 0
    image_side_px: SidePx = 512  # longer side of the pictures that a model is shown
    use_motion_mask: bool = True
    local_vlm: LocalVlmParams = LocalVlmParams()
    openai: OpenAiParams = OpenAiParams()
    seed: Seed = 0

    @model_validator(mode="before")
    @classmethod
    def _preset_first(cls, given: object) -> object:
        if isinstance(given, dict) and given.get("preset") == "agibot":
            return AGIBOT | given
        return given


class TraceAuditParams(Section):
    """Extracted traces against simulated truth."""

    max_clips: Count = 40


class CaptionAuditParams(Section):
    """Captions against what the simulated demonstrator did."""

    max_clips: Count = 40
