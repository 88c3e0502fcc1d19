"""What the image looks like exactly where a keypoint sits.

Attention over coarse tokens localises slowly; a bilinear sample of a feature map at (u, v) is exact from the
start. Small models sample the stem's fine map and the image tokens after the text layers; the release samples
a frozen DINOv2.

Conventions: u, v in [-1, 1] with edges at -1 and 1 (align_corners false); outside the image features are
zero.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from transformers import Dinov2Config, Dinov2Model

from mu0.model.backbone import Prefix
from mu0.model.config import WorldModelConfig

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def sample_map(feature_map: Float[Tensor, "b c h w"], uv: Float[Tensor, "b q 2"]) -> Float[Tensor, "b q c"]:
    """Bilinear samples of a map at the keypoints."""
    sampled = functional.grid_sample(feature_map, uv[:, :, None], align_corners=False)
    return sampled[..., 0].mT


class NoFeatures(nn.Module):
    """No image features at the keypoints."""

    width = 0

    def forward(self, _image: Float[Tensor, "b 3 s s"], _prefix: Prefix) -> tuple[()]:
        """No maps."""
        return ()


class StemFeatures(nn.Module):
    """The stem's fine map, and the image tokens as the text layers left them."""

    def __init__(self, config: WorldModelConfig) -> None:
        super().__init__()
        self.width = config.stem_width + config.text_width
        self.norm = nn.LayerNorm(config.text_width)

    def forward(
        self, _image: Float[Tensor, "b 3 s s"], prefix: Prefix
    ) -> tuple[Float[Tensor, "b _c _h _w"], ...]:
        """Fine map, coarse map."""
        tokens = self.norm(prefix.hidden[:, : prefix.n_image_tokens])
        return (*prefix.feature_maps, _as_map(tokens))


class DinoFeatures(nn.Module):
    """The last patch map of a frozen DINOv2."""

    def __init__(self, config: WorldModelConfig) -> None:
        super().__init__()
        self.width = config.dino_width
        self.image_px = config.dino_image_px
        self.dino = Dinov2Model(dino_config(config)).requires_grad_(requires_grad=False)

    @torch.no_grad()
    def forward(
        self, image: Float[Tensor, "b 3 s s"], _prefix: Prefix
    ) -> tuple[Float[Tensor, "b _c _h _w"], ...]:
        """Patch tokens after the final norm, without the class token."""
        size = (self.image_px, self.image_px)
        mean, std = (image.new_tensor(value)[:, None, None] for value in (IMAGENET_MEAN, IMAGENET_STD))
        scaled = functional.interpolate((image - mean) / std, size=size, mode="bilinear")
        return (_as_map(self.dino.eval()(scaled).last_hidden_state[:, 1:]),)


def _as_map(tokens: Float[Tensor, "b n c"]) -> Float[Tensor, "b c rows rows"]:
    n_side = int(tokens.shape[1] ** 0.5)
    return tokens.mT.unflatten(2, (n_side, n_side)).contiguous()


def dino_config(config: WorldModelConfig) -> Dinov2Config:
    """The transformers config of the same sizes."""
    return Dinov2Config(
        hidden_size=config.dino_width,
        num_hidden_layers=config.dino_layers,
        num_attention_heads=config.dino_heads,
        image_size=config.dino_image_px,
        patch_size=config.dino_patch_px,
    )


def keypoint_features(config: WorldModelConfig) -> NoFeatures | StemFeatures | DinoFeatures:
    """The feature source that the config names."""
    kinds = {"none": NoFeatures, "stem": StemFeatures, "dinov2": DinoFeatures}
    return kinds[config.keypoint_features](*(() if config.keypoint_features == "none" else (config,)))
