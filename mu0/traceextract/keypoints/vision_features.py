"""Feature extractors `dinov2`, `dinov3`, `siglip2`: patch tokens of a vision transformer.

Tokens say what a patch shows, whatever its colour: a gripper is one thing although it shines. They are made
unit vectors, weighted, and joined by the own motion of the patch, for what moves together belongs together
even if it looks like something else. Patches lie on a grid that covers the whole image and keeps its aspect
ratio (`images.patch_grid`); frames go through the model a few at a time.

Token orders (transformers 5.23)
    Dinov2Model               class token, patches row by row
    Dinov2WithRegistersModel  class token, registers, patches
    DINOv3ViTModel            class token, registers, patches
    Siglip(2)VisionModel      patches only; Siglip2 (NaFlex) takes the patches themselves as input
so the last rows x columns tokens are always the patches.

Sources
    DINOv2 arXiv:2304.07193, DINOv3 arXiv:2508.10104, SigLIP 2 arXiv:2502.14786; classes of transformers.
"""

from functools import partial
from typing import TYPE_CHECKING, Any, final

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from mu0.params.learned import LearnedParams, model_of
from mu0.traceextract.backends.images import HALF, IMAGENET, image_batch, patch_grid, portions
from mu0.traceextract.backends.interfaces import (
    AbstractFeatureExtractor,
    Footage,
    PatchFeatures,
    Reconstruction,
)
from mu0.traceextract.backends.loading import Weights, load_transformers
from mu0.traceextract.backends.model_slot import SLOT
from mu0.traceextract.tracking.own_motion import flow_motion

if TYPE_CHECKING:
    import torch

TOKEN_WEIGHT = 3.0  # unit tokens differ by up to 2; places, which k-means sees beside them, by up to 2.8
CLASSES = {
    "dinov2": {"dinov2": "Dinov2Model", "dinov2_with_registers": "Dinov2WithRegistersModel"},
    "dinov3": {"dinov3_vit": "DINOv3ViTModel"},
    "siglip2": {
        "siglip2": "Siglip2VisionModel",
        "siglip2_vision_model": "Siglip2VisionModel",
        "siglip": "SiglipVisionModel",  # SigLIP 2 of fixed size is published with these classes
        "siglip_vision_model": "SiglipVisionModel",
    },
}


@final
class VisionFeatures(AbstractFeatureExtractor):
    """Describes patches by the tokens of a vision transformer."""

    def __init__(self, backend: str, learned: LearnedParams) -> None:
        self._learned = learned
        self._weights = Weights(backend, model_of(backend, learned.features_model), "features_model")

    def describe(
        self, footage: Footage, reconstruction: Reconstruction, sampled_frames: Int[np.ndarray, " s"]
    ) -> PatchFeatures:
        """Descriptors and motion masks of `sampled_frames`."""
        motion, masks = [], []
        width, height = footage.image_size_px
        rows, columns = patch_grid(height, width, self._learned.features_rows)
        for frame in sampled_frames:
            own, moves = flow_motion(footage, reconstruction, int(frame))
            motion.append(np.tanh(cv2.resize(own, (columns, rows), interpolation=cv2.INTER_AREA)))
            masks.append(moves)
        tokens = [
            self.tokens([footage.frames[int(frame)] for frame in some])
            for some in portions(sampled_frames, self._learned.batch_frames)
        ]
        descriptors = np.concatenate([TOKEN_WEIGHT * np.concatenate(tokens), np.stack(motion)], -1)
        return PatchFeatures(sampled_frames, descriptors.astype(np.float32), np.stack(masks))

    def tokens(self, frames: list[UInt8[np.ndarray, "h w 3"]]) -> Float[np.ndarray, "n rows columns d"]:
        """Unit tokens of every patch of some frames."""
        import torch

        height, width = frames[0].shape[:2]
        rows, columns = patch_grid(height, width, self._learned.features_rows)
        key = ("features", self._weights, self._learned.device, self._learned.precision)
        load = partial(load_transformers, self._weights, CLASSES[self._weights.backend], self._learned)
        with SLOT.hold(key, load) as model, torch.inference_mode():
            hidden = _hidden(model, frames, rows, columns)
        patches = hidden[:, -rows * columns :].float()
        unit = torch.nn.functional.normalize(patches, dim=-1).reshape(len(frames), rows, columns, -1)
        return unit.cpu().numpy()


def _hidden(model: Any, frames: list[np.ndarray], rows: int, columns: int) -> "torch.Tensor":
    """The last hidden state of every token."""
    config = model.config
    patch = config.patch_size if isinstance(config.patch_size, int) else config.patch_size[0]
    is_siglip = config.model_type.startswith("siglip")
    like = next(model.parameters())
    images = image_batch(frames, (rows * patch, columns * patch), HALF if is_siglip else IMAGENET, like)
    if config.model_type.startswith("siglip2"):
        return _naflex(model, images, patch)
    extra = {"interpolate_pos_encoding": True} if is_siglip else {}
    return model(pixel_values=images, **extra).last_hidden_state


def _naflex(model: Any, images: "torch.Tensor", patch: int) -> "torch.Tensor":
    """Siglip2VisionModel takes every patch as a row of pixels, channels last."""
    import torch

    n, channels, height, width = images.shape
    rows, columns = height // patch, width // patch
    cells = images.reshape(n, channels, rows, patch, columns, patch).permute(0, 2, 4, 3, 5, 1)
    return model(
        pixel_values=cells.reshape(n, rows * columns, patch * patch * channels),
        pixel_attention_mask=torch.ones(n, rows * columns, dtype=torch.long, device=images.device),
        spatial_shapes=torch.tensor([[rows, columns]] * n, device=images.device),
    ).last_hidden_state
