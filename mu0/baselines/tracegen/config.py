"""Everything that fixes the shape of a TraceGen, with five presets.

Presets
    tiny                             tests; seconds
    small                            the rival of μ0 `small`: same image size, words, depth panel and budget,
                                     trained from scratch on two cores in minutes
    official_train, _eval, _larger   the three published decoders (26.7, 73.0 and 229.5 million parameters) on
                                     frozen DINOv3-L, two SigLIP-B and T5-B, 384 px

What the published code fixes and small models change
    increment_scale     published: fixed bounds, here of u, v in [-1, 1]; `small` measures its data's spread
    frames_in_channels  published: 2 steps share a frame, and 2 x 2 cells a token (24 numbers). A token of
    grid_patch          `small` is one cell with all 32 steps (96 numbers): most accurate in equal time
    empty_cells         what stands in a cell without a keypoint, see mu0.baselines.tracegen.model
    gate_start          bias of the gates of the adaptive norms; 0 is the published initialisation, 1 lets
                        every layer take part from the first step

Source
    arXiv:2511.21690 and its code at 5503ccf (reference/tracegen_tau0_pi0_lerobot.md A), re-implemented.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mu0.errors import CheckpointError
from mu0.files import read_json, write_json

METHOD = "tracegen"
PresetName = Literal["tiny", "small", "official_train", "official_eval", "official_larger"]
ImageKind = Literal["conv", "siglip", "dinov3"]
TextKind = Literal["transformer", "t5"]
EmptyCells = Literal["absent", "nearest"]


@dataclass(frozen=True)
class EncoderConfig:
    """One encoder: its kind and sizes; `fine_width` is for convolutional ones only."""

    kind: Literal["conv", "siglip", "dinov3", "transformer", "t5"]
    width: int
    layers: int
    heads: int
    mlp_width: int
    fine_width: int = 0


@dataclass(frozen=True)
class TraceGenConfig:
    """Shape of one TraceGen; the defaults are those of the published code."""

    geometry: EncoderConfig
    semantics: EncoderConfig
    depth: EncoderConfig
    text: EncoderConfig
    preset: str = "official_train"
    # the window
    image_size_px: int = 384
    patch_px: int = 16
    future_len: int = 32
    # the grid and its tokens
    grid_size: int = 20
    frames_in_channels: int = 2
    grid_patch: int = 2
    increment_scale: tuple[float, float, float] = (0.1, 0.1, 0.04)
    empty_cells: EmptyCells = "nearest"
    # the decoder
    layers: int = 4
    heads: int = 8
    head_width: int = 64
    time_width: int = 512
    gate_start: float = 0.0
    # the condition
    condition_width: int = 768
    vocabulary_size: int = 32128
    max_text_tokens: int = 128
    freeze_encoders: bool = True
    # training and inference
    noise_draws: int = 1
    euler_steps: int = 100

    def __post_init__(self) -> None:
        cells = self.grid_size
        rules = {
            "future_len is a multiple of frames_in_channels": self.future_len % self.frames_in_channels == 0,
            "grid_size is a multiple of grid_patch": cells % self.grid_patch == 0,
            "image_size_px is a multiple of patch_px": self.image_size_px % self.patch_px == 0,
            "the decoder's width is a multiple of 16": self.width % 16 == 0,
            "the text encoder is as wide as the condition": self.text.width == self.condition_width,
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise CheckpointError(
                f"TraceGen's config breaks: {'; '.join(broken)}.",
                expected="sizes that fit together",
                remedy="start from a preset (mu0.baselines.tracegen.config.preset) and change fewer fields.",
            )

    @property
    def width(self) -> int:
        """Channels of the decoder."""
        return self.heads * self.head_width

    @property
    def n_frames(self) -> int:
        """Token frames: future steps, several of which share a frame."""
        return self.future_len // self.frames_in_channels

    @property
    def n_patches(self) -> int:
        """Patches of the grid."""
        return (self.grid_size // self.grid_patch) ** 2

    @property
    def patch_features(self) -> int:
        """Numbers in one trace token."""
        return 3 * self.frames_in_channels * self.grid_patch**2

    def write(self, path: Path) -> None:
        """Store as JSON."""
        write_json(path, {"method": METHOD, **dataclasses.asdict(self)})


def read_config(path: Path) -> TraceGenConfig:
    """Read a config that `TraceGenConfig.write` stored.

    Raises:
        CheckpointError: It is the config of another method, or a field is missing or unknown.
    """
    fields: dict[str, Any] = dict(read_json(path))
    method = fields.pop("method", None)
    if method != METHOD:
        raise CheckpointError(
            f"{path} is the config of {method!r}.",
            expected=f"method {METHOD!r}",
            remedy="name a folder that the stage tracegen wrote.",
        )
    _check_fields(fields, TraceGenConfig, str(path))
    for name in ("geometry", "semantics", "depth", "text"):
        _check_fields(fields[name], EncoderConfig, f"{path}, {name}")
        fields[name] = EncoderConfig(**fields[name])
    fields["increment_scale"] = tuple(fields["increment_scale"])
    return TraceGenConfig(**fields)


def _check_fields(fields: dict[str, Any], kind: type[Any], origin: str) -> None:
    known = {field.name for field in dataclasses.fields(kind)}
    if known != set(fields):
        raise CheckpointError(
            f"{origin} lacks {sorted(known - set(fields))} and has unknown {sorted(set(fields) - known)}.",
            expected=f"exactly the fields of {kind.__name__}",
            remedy="train TraceGen again with this version (`python -m assets_defs.tracegen.stage`).",
        )


def _small_image(width: int) -> EncoderConfig:
    return EncoderConfig("conv", width=width, layers=1, heads=4, mlp_width=2 * width, fine_width=width // 2)


_OFFICIAL: dict[str, Any] = {
    "geometry": EncoderConfig("dinov3", width=1024, layers=24, heads=16, mlp_width=4096),
    "semantics": EncoderConfig("siglip", width=768, layers=12, heads=12, mlp_width=3072),
    "depth": EncoderConfig("siglip", width=768, layers=12, heads=12, mlp_width=3072),
    "text": EncoderConfig("t5", width=768, layers=12, heads=12, mlp_width=3072),
}
_SMALL: dict[str, Any] = {
    "geometry": _small_image(96),
    "semantics": _small_image(96),
    "depth": _small_image(64),
    "text": EncoderConfig("transformer", width=128, layers=1, heads=4, mlp_width=256),
    "image_size_px": 128,
    "frames_in_channels": 32,
    "grid_patch": 1,
    "empty_cells": "absent",
    "layers": 4,
    "heads": 4,
    "head_width": 32,
    "time_width": 128,
    "gate_start": 1.0,
    "condition_width": 128,
    "vocabulary_size": 512,
    "max_text_tokens": 24,
    "freeze_encoders": False,
}
_TINY: dict[str, Any] = _SMALL | {
    "geometry": _small_image(16),
    "semantics": _small_image(16),
    "depth": _small_image(16),
    "text": EncoderConfig("transformer", width=32, layers=1, heads=4, mlp_width=32),
    "image_size_px": 64,
    "frames_in_channels": 8,
    "grid_patch": 2,
    "layers": 2,
    "heads": 2,
    "head_width": 16,
    "time_width": 32,
    "condition_width": 32,
    "euler_steps": 10,
}
_PRESETS: dict[str, dict[str, Any]] = {
    "tiny": _TINY,
    "small": _SMALL,
    "official_train": _OFFICIAL,
    "official_eval": _OFFICIAL | {"layers": 6, "heads": 12},
    "official_larger": _OFFICIAL | {"layers": 12, "heads": 16},
}


def preset(name: PresetName, **changes: Any) -> TraceGenConfig:
    """The named preset with single fields changed."""
    return TraceGenConfig(**{"preset": name, **_PRESETS[name], **changes})
