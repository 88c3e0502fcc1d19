"""Everything that fixes the shape of μ0, in one record; named sizes live in mu0.model.presets.

Conventions
    px      pixels of the square model input; widths and layers are counts
    stored  `config.json` beside the weights; a model is rebuilt from it without any network access

Source
    Fields and release values: arXiv:2606.13769 and its code (docs/reference, model configuration).
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mu0.errors import CheckpointError
from mu0.files import read_json, write_json

ADDED_LATER = {
    "moves_head",
    "moves_weight",
    "named_thing",
    "named_width",
    "named_weight",
    "named_keypoint",
}  # a config.json without them means their defaults
SPLINE_POINTS = 10  # of the release, whose loss weights are relative to a sum over them


@dataclass(frozen=True)
class WorldModelConfig:
    """Shape and loss weights of one μ0; the defaults are the release's."""

    preset: str = "paper"
    # the window
    image_size_px: int = 512
    history_len: int = 8
    future_len: int = 32
    # the target: control points of a piecewise Bezier curve, of a C2 spline, or the steps themselves
    curve: Literal["bezier", "c2", "waypoints"] = "bezier"
    n_control_points: int = 10  # waypoints: as many as future_len
    spline_smoothing: float = 0.2
    control_point_limit: float = 1.5
    hard_anchor: bool = False  # decode with the first control point set to the anchor
    displacement: Literal["image", "metric"] = "image"  # metric: u, v times the anchor's depth, one scale
    anchor_depth: bool = False  # z of the anchor is an input of its keypoint
    anchor_depth_dropout: float = 0.1  # share of images whose keypoints do without it
    # vision tower (SigLIP) and connector
    vision_width: int = 1152
    vision_layers: int = 27
    vision_heads: int = 16
    vision_mlp_width: int = 4304
    patch_px: int = 14
    vision_table_px: int = 384  # image size of the position table
    pixel_shuffle: int = 3
    vision_stem: Literal["patch", "conv"] = "patch"
    stem_width: int = 0  # channels of the fine map of the convolutional stem
    # text layers (Llama)
    vocabulary_size: int = 49280
    max_text_tokens: int = 48
    text_width: int = 2048
    text_layers: int = 20
    text_heads: int = 32
    text_kv_heads: int = 32
    text_mlp_width: int = 8192
    train_backbone: bool = False
    scale_embeddings: bool = (
        True  # by sqrt(text_width) before the text layers; False learns faster from scratch
    )
    # trace expert
    expert_width: int = 1024
    expert_layers: int = 20
    expert_mlp_width: int = 2816
    history_group: int = 8  # history steps per token
    history_as_token: bool = True  # False: added to the future token instead, which halves the expert's work
    control_points_per_token: int = 10
    uv_frequencies: int = 8
    time_features: int = 256
    rope_base: float = 10000.0
    # image features at the keypoints
    keypoint_features: Literal["none", "stem", "dinov2"] = "dinov2"
    dino_width: int = 768
    dino_layers: int = 12
    dino_heads: int = 12
    dino_image_px: int = 518
    dino_patch_px: int = 14
    # depth branch
    use_depth: bool = True
    lora_rank: int = 8
    lora_alpha: float = 16.0
    depth_dropout: float = 0.7
    depth_dropout_whole_batch: bool = (
        False  # True: a dropped panel costs no time, as the block is then absent
    )
    flow_skip: bool = False  # the network predicts what a linear guess from its noisy input leaves over
    # training
    use_history: bool = True  # False: the past is never looked at, in training or later
    history_dropout: float = 0.5
    keypoint_history_dropout: float = 0.3
    rigidity: Literal["official", "metric", "none"] = "official"
    rigidity_weight: float = 5.0
    half_view_tangent: float = 0.5774  # tan(field of view / 2), for metric rigidity and displacement
    done_weight: float = 0.5
    done_bias: float = 3.0
    text_dropout: float = 0.0  # share of images whose instruction is replaced by the neutral one
    image_dropout: float = 0.0  # share of images that are hidden
    two_d_share: float = 0.0  # share of images that are treated as if nothing knew their depth
    noise_draws: int = 1  # noise draws per image that share one prefix pass
    moves_head: bool = False  # says of every keypoint whether it moves; needs queries that rest
    moves_weight: float = 1.0
    named_thing: bool = False  # says where the named thing is; needs moments before things are touched
    named_width: int = 64
    named_weight: float = 1.0
    named_keypoint: bool = True  # the expert is told where the named thing is, by models that say it
    # inference
    euler_steps: int = 4
    guidance_scale: float = 1.0  # on the instruction; 1 is unguided and costs nothing
    # interchange
    unused_weights: bool = True  # keep what the release stores but never uses, so that nothing is lost

    def __post_init__(self) -> None:
        rules = {
            "history_len is a multiple of history_group": self.history_len % self.history_group == 0,
            **self._curve_rules(),
            "n_control_points is a multiple of control_points_per_token": self.n_control_points
            % self.control_points_per_token
            == 0,
            "vision_width is a multiple of vision_heads": self.vision_width % self.vision_heads == 0,
            "history without tokens of its own is one group": self.history_as_token
            or self.history_group == self.history_len,
            "text_width is a multiple of text_heads": self.text_width % self.text_heads == 0,
            "text_heads is a multiple of text_kv_heads": self.text_heads % self.text_kv_heads == 0,
            "text_layers is a multiple of expert_layers": self.text_layers % self.expert_layers == 0,
            "image patches divide by pixel_shuffle": (self.image_size_px // self.patch_px)
            % self.pixel_shuffle
            == 0,
            "keypoint_features 'stem' needs vision_stem 'conv'": self.keypoint_features != "stem"
            or self.vision_stem == "conv",
            "the convolutional stem needs 16 px patches": self.vision_stem != "conv" or self.patch_px == 16,
            "dino_image_px is a multiple of dino_patch_px": self.dino_image_px % self.dino_patch_px == 0,
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise CheckpointError(
                f"The world model's config breaks: {'; '.join(broken)}.",
                expected="sizes that fit together",
                remedy="start from a preset (mu0.model.presets.preset) and change fewer fields.",
            )

    def _curve_rules(self) -> dict[str, bool]:
        """What the kind of curve asks of the number of control points."""
        n_points = self.n_control_points
        return {
            "n_control_points is 4, 7 or 10": self.curve != "bezier" or n_points in (4, 7, 10),
            "a c2 curve has 4 control points or more": self.curve != "c2" or n_points >= 4,
            "n_control_points is future_len for waypoints": self.curve != "waypoints"
            or n_points == self.future_len,
        }

    @property
    def flow_share(self) -> float:
        """Weight of the flow loss, a sum over points: many waypoints weigh as much as ten control points."""
        return SPLINE_POINTS / self.n_control_points if self.curve == "waypoints" else 1.0

    @property
    def head_width(self) -> int:
        """Channels per attention head, shared by text layers and expert."""
        return self.text_width // self.text_heads

    @property
    def tokens_per_keypoint(self) -> int:
        """History groups and control-point groups."""
        return self.n_history_tokens + self.n_future_tokens

    @property
    def n_history_groups(self) -> int:
        """Groups of history steps per keypoint, each visible or hidden as a whole."""
        return self.history_len // self.history_group

    @property
    def n_history_tokens(self) -> int:
        """History tokens per keypoint."""
        return self.n_history_groups if self.history_as_token else 0

    @property
    def n_future_tokens(self) -> int:
        """Noisy tokens per keypoint."""
        return self.n_control_points // self.control_points_per_token

    def write(self, path: Path) -> None:
        """Store as JSON."""
        write_json(path, dataclasses.asdict(self))


def read_config(path: Path) -> WorldModelConfig:
    """Read a config that `WorldModelConfig.write` stored.

    Raises:
        CheckpointError: A field is missing or unknown, so code and checkpoint differ.
    """
    return config_from(read_json(path), str(path))


def config_from(fields: dict[str, Any], origin: str) -> WorldModelConfig:
    """Build a config from JSON fields, refusing any that are unknown, or missing and no later addition."""
    known = {field.name for field in dataclasses.fields(WorldModelConfig)}
    missing, unknown = known - set(fields) - ADDED_LATER, set(fields) - known
    if missing or unknown:
        raise CheckpointError(
            f"{origin} lacks {sorted(missing)} and has unknown {sorted(unknown)}.",
            expected="exactly the fields of mu0.model.config.WorldModelConfig",
            remedy="train the world model again with this version (`mu0 run world_model`).",
        )
    return WorldModelConfig(**fields)
