"""Reconstructors `depth_anything` and `depth_pro`: metres from single colour images.

    depth       predicted per frame in metres, brought to the size of the image, its scale steadied over time
                (`depth_flicker`); depth that the source measured is preferred where there is any
    intrinsics  the source's, else DepthPro's field of view (one for the clip: the median), else an assumed
                field of view, which the note and `intrinsics_source` admit
    poses       the source's, else our RGB-D odometry on the predicted depth, with all its gates

A relative Depth Anything model predicts no metres and is refused.

Sources
    Depth Anything V2 arXiv:2406.09414; DepthPro arXiv:2410.02073; both as in transformers 5.23. Conversion of
    DepthPro's canonical inverse depth: `DepthProImageProcessor.post_process_depth_estimation`.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Float, UInt8

from mu0.errors import WeightsError
from mu0.geometry.camera import intrinsics_from_fov
from mu0.params.learned import LearnedParams, model_of
from mu0.traceextract.backends.images import (
    HALF,
    IMAGENET,
    image_batch,
    patch_grid,
    portions,
    to_image_size,
)
from mu0.traceextract.backends.interfaces import AbstractReconstructor, Footage, Reconstruction
from mu0.traceextract.backends.loading import Weights, load_transformers
from mu0.traceextract.backends.model_slot import SLOT
from mu0.traceextract.reconstruction.depth_and_path import reconstruct_rgbd
from mu0.traceextract.reconstruction.depth_flicker import ScaleWatch, flicker_share

CLASSES = {
    "depth_anything": {"depth_anything": "DepthAnythingForDepthEstimation"},
    "depth_pro": {"depth_pro": "DepthProForDepthEstimation"},
}
INVERSE_RANGE = (1e-4, 1e4)  # of DepthPro's inverse depth, as its processor has it

IntrinsicsSource = Literal["data", "predicted", "assumed_fov"]


@final
class MonocularDepth(AbstractReconstructor):
    """Predicts depth frame by frame; the camera path follows from it."""

    def __init__(self, backend: str, learned: LearnedParams) -> None:
        self._learned = learned
        self._weights = Weights(backend, model_of(backend, learned.depth_model), "depth_model")

    def reconstruct(self, footage: Footage) -> Reconstruction:
        """Depth, intrinsics and poses of every frame."""
        if footage.depth_m is not None and footage.intrinsics is not None:
            return reconstruct_rgbd(footage)
        views_rad: list[float] = []
        watch = ScaleWatch()
        depth_m = footage.keep("predicted_depth", watch.passing(self._predict(footage, views_rad)))
        window = round(self._learned.flicker_window_s * footage.fps_hz)
        correction = watch.correction(window)
        if (correction != 1).any():
            depth_m = footage.keep("steady_depth", _scaled(depth_m, correction))
        intrinsics, source = self._intrinsics(footage, views_rad)
        found = reconstruct_rgbd(replace(footage, depth_m=depth_m, intrinsics=intrinsics))
        lens = {
            "data": "intrinsics from the data",
            "predicted": "intrinsics predicted",
            "assumed_fov": f"intrinsics assumed: field of view {self._learned.assumed_fov_deg:g} degrees",
        }[source]
        origin = f"depth predicted by {self._weights.backend}, its scale flickered by"
        remarks = [found.note, f"{origin} {flicker_share(correction):.1%}", lens]
        note = "; ".join(filter(None, remarks))
        return replace(found, note=note, intrinsics_source="" if source == "data" else source)

    def _intrinsics(
        self, footage: Footage, views_rad: list[float]
    ) -> tuple[Float[np.ndarray, "3 3"], IntrinsicsSource]:
        width, height = footage.image_size_px
        if footage.intrinsics is not None:
            return footage.intrinsics, "data"
        if views_rad:
            return intrinsics_from_fov(height, width, float(np.median(views_rad))), "predicted"
        return intrinsics_from_fov(
            height, width, float(np.radians(self._learned.assumed_fov_deg))
        ), "assumed_fov"

    def _predict(self, footage: Footage, views_rad: list[float]) -> Iterator[Float[np.ndarray, "h w"]]:
        """Depth [m] of every frame; the fields of view that the model sees are added to `views_rad`."""
        for some in portions(np.arange(len(footage.frames)), self._learned.batch_frames):
            depth_m, view_rad = self.predict([footage.frames[int(frame)] for frame in some])
            views_rad.extend(view_rad.tolist())
            yield from depth_m

    def predict(
        self, frames: list[UInt8[np.ndarray, "h w 3"]]
    ) -> tuple[Float[np.ndarray, "n h w"], Float[np.ndarray, " k"]]:
        """Depth [m] of some frames at their own size, and their horizontal fields of view if predicted."""
        import torch

        key = ("depth", self._weights, self._learned.device, self._learned.precision)
        load = partial(load_depth_model, self._weights, self._learned)
        run = _depth_pro if self._weights.backend == "depth_pro" else _depth_anything
        with SLOT.hold(key, load) as model, torch.inference_mode():
            return run(model, frames)


def load_depth_model(weights: Weights, learned: LearnedParams) -> Any:
    """The depth model of a backend.

    Raises:
        WeightsError: It cannot be loaded, or predicts no metres.
    """
    model = load_transformers(weights, CLASSES[weights.backend], learned)
    kind = getattr(model.config, "depth_estimation_type", "metric")
    if kind != "metric":
        raise WeightsError(
            f"{weights.model} predicts {kind} depth.",
            expected="depth in metres (depth_estimation_type: metric in its config.json)",
            remedy="use one of the Depth-Anything-V2-Metric models, or depth_pro.",
        )
    return model


def _scaled(
    depth_m: "np.ndarray | Any", factors: Float[np.ndarray, " t"]
) -> Iterator[Float[np.ndarray, "h w"]]:
    for image, factor in zip(depth_m, factors, strict=True):
        yield image * image.dtype.type(factor)


def _depth_anything(
    model: Any, frames: list[np.ndarray]
) -> tuple[Float[np.ndarray, "n h w"], Float[np.ndarray, " k"]]:
    """The shorter side gets the length that the backbone was trained with."""
    height, width = frames[0].shape[:2]
    patch = model.config.patch_size
    rows, columns = patch_grid(height, width, model.config.backbone_config.image_size // patch)
    like = next(model.parameters())
    images = image_batch(frames, (rows * patch, columns * patch), IMAGENET, like)
    return to_image_size(model(pixel_values=images).predicted_depth, height, width), np.zeros(0)


def _depth_pro(
    model: Any, frames: list[np.ndarray]
) -> tuple[Float[np.ndarray, "n h w"], Float[np.ndarray, " k"]]:
    """A square image of fixed size in; inverse depth of a camera one image width away from its image out."""
    import torch

    height, width = frames[0].shape[:2]
    side = round(model.config.patch_size / min(model.config.scaled_images_ratios))
    like = next(model.parameters())
    found = model(pixel_values=image_batch(frames, (side, side), HALF, like, "bilinear"))
    inverse = to_image_size(found.predicted_depth, height, width)
    if found.field_of_view is None:
        return 1 / inverse.clip(*INVERSE_RANGE), np.zeros(0)
    view_rad = torch.deg2rad(found.field_of_view.float()).reshape(-1).cpu().numpy().astype(np.float64)
    focal_in_widths = (0.5 / np.tan(0.5 * view_rad))[:, None, None]
    return (1 / (inverse / focal_in_widths).clip(*INVERSE_RANGE)).astype(np.float32), view_rad
