"""What TraceGen knows about a moment: three streams of image tokens fused into one, and the words.

The streams (geometry and semantics of the picture, and depth) are joined along their channels, patch by
patch, and projected to one token per patch. A moment without depth has one learned token in the place of all
depth tokens. The depth panel is the coloured one that μ0 sees; a 1 x 1 convolution adapts it to its encoder.

Frozen encoders stay in evaluation mode and get no gradient; the norms behind them learn, that of the text
included (the published code left it inside the frozen part).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mu0.baselines.tracegen.config import TraceGenConfig
from mu0.baselines.tracegen.encoders import (
    AbstractImageEncoder,
    AbstractTextEncoder,
    image_encoder,
    text_encoder,
)
from mu0.errors import WeightsError
from mu0.model.tokenizer import CaptionTokenizer

STREAMS = ("geometry", "semantics", "depth", "text")


@dataclass(frozen=True)
class Condition:
    """Condition tokens, image first; computed once for any number of samples and noise draws."""

    tokens: Float[Tensor, "b m c"]
    mask: Bool[Tensor, "b m"]


class ConditionEncoder(nn.Module):
    """Four encoders and their fusion."""

    def __init__(self, config: TraceGenConfig, tokenizer: CaptionTokenizer) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.geometry = image_encoder(config.geometry, config)
        self.semantics = image_encoder(config.semantics, config)
        self.depth = image_encoder(config.depth, config)
        self.text = text_encoder(config.text, config)
        widths = [config.geometry.width, config.semantics.width, config.depth.width]
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in widths)
        self.text_norm = nn.LayerNorm(config.text.width)
        self.depth_stem = nn.Conv2d(3, 3, kernel_size=1)
        self.no_depth = nn.Parameter(torch.zeros(1, 1, config.depth.width))
        self.fusion = nn.Linear(sum(widths), config.condition_width)
        if config.freeze_encoders:
            for encoder in self.encoders().values():
                encoder.requires_grad_(requires_grad=False)

    def encoders(self) -> dict[str, AbstractImageEncoder | AbstractTextEncoder]:
        """The four encoders by the name of their stream."""
        return dict(zip(STREAMS, (self.geometry, self.semantics, self.depth, self.text), strict=True))

    def train(self, mode: bool = True) -> "ConditionEncoder":  # noqa: FBT001, FBT002
        """Training mode, except for frozen encoders."""
        super().train(mode)
        if self.config.freeze_encoders:
            for encoder in self.encoders().values():
                encoder.eval()
        return self

    def forward(
        self,
        image: Float[Tensor, "b 3 s s"],
        instructions: Sequence[str],
        depth_panel: Float[Tensor, "b 3 s s"] | None = None,
        depth_valid: Bool[Tensor, " b"] | None = None,
    ) -> Condition:
        """Look at images in [0, 1] and read instructions; `depth_valid` says which panels to look at."""
        streams = [self.geometry(image), self.semantics(image)]
        streams.append(self._depth_tokens(streams[0], depth_panel, depth_valid))
        fused = self.fusion(
            torch.cat([norm(tokens) for norm, tokens in zip(self.norms, streams, strict=True)], -1)
        )
        ids, mask = (part.to(image.device) for part in self.tokenizer(instructions))
        words = self.text_norm(self.text(ids, mask))
        seen = torch.ones(fused.shape[:2], dtype=torch.bool, device=image.device)
        return Condition(torch.cat([fused, words], dim=1), torch.cat([seen, mask], dim=1))

    def _depth_tokens(
        self,
        like: Float[Tensor, "b n w"],
        panel: Float[Tensor, "b 3 s s"] | None,
        valid: Bool[Tensor, " b"] | None,
    ) -> Float[Tensor, "b n d"]:
        missing = self.no_depth.expand(*like.shape[:2], -1)
        if panel is None or (valid is not None and not valid.any()):
            return missing
        tokens = self.depth(self.depth_stem(panel))
        return tokens if valid is None else torch.where(valid[:, None, None], tokens, missing)

    def load_pretrained(self, origins: Mapping[str, str | Path]) -> None:
        """Fill learned encoders from the hub or from folders.

        Args:
            origins: Stream -> hub name or folder, as {"semantics": "google/siglip-base-patch16-384"}.

        Raises:
            WeightsError: There is no such stream, or its encoder is not a learned one.
        """
        encoders = self.encoders()
        for stream, origin in origins.items():
            encoder = encoders.get(stream)
            if encoder is None or encoder.pretrained is None:
                learned = [name for name, one in encoders.items() if one.pretrained is not None]
                raise WeightsError(
                    f"{stream!r} cannot be filled from {origin}.",
                    expected=f"one of {learned}",
                    remedy="choose a preset with learned encoders, for example official_eval.",
                )
            weights = encoder.pretrained.from_pretrained(origin).state_dict()
            encoder.get_submodule("model").load_state_dict(weights)
