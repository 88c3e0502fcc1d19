"""Everything that fixes the shape of the tokenised VLM, with μ0's four presets.

The backbone is μ0's at the same preset, trained as a whole (μ0's large presets freeze theirs: it has an
expert to train instead). At `small` that is 1.5 million weights against μ0's 2.4 with its expert: a step
costs twice μ0's already, and more text layers would mean fewer steps in the same time.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mu0.errors import CheckpointError
from mu0.files import read_json, write_json
from mu0.model.config import WorldModelConfig, config_from
from mu0.model.presets import PresetName
from mu0.model.presets import preset as backbone_preset

METHOD = "token_vlm"


@dataclass(frozen=True)
class TokenVlmConfig:
    """Shape, vocabulary and sampling.

    Attributes:
        backbone: Sizes of the backbone; the fields of μ0's expert mean nothing here.
        n_waypoints: Waypoints per trace, evenly spaced; the steps between them are interpolated.
        words: What a word says: the displacement from the anchor, or from the waypoint before.
        n_bins: Words per axis.
        limit: Scaled displacements beyond it are clipped to it (1 = 95th percentile of the data).
        blur_bins: Standard deviation of the labels in bins; 0 is plain cross-entropy, which does not know
            that neighbouring words mean neighbouring places.
        temperature: Of sampling; the first sample is drawn like the others.
    """

    backbone: WorldModelConfig
    n_waypoints: int = 4
    words: Literal["absolute", "increments"] = "absolute"
    n_bins: int = 256
    limit: float = 2.0
    blur_bins: float = 2.0
    temperature: float = 0.5

    def __post_init__(self) -> None:
        rules = {
            "future_len is a multiple of n_waypoints": self.backbone.future_len % self.n_waypoints == 0,
            "n_bins is at least 2": self.n_bins >= 2,
            "limit is positive": self.limit > 0,
            "blur_bins is not negative": self.blur_bins >= 0,
            "temperature is positive": self.temperature > 0,
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise CheckpointError(
                f"The tokenised VLM's config breaks: {'; '.join(broken)}.",
                expected="numbers that fit together",
                remedy="start from a preset (mu0.baselines.token_vlm.config.preset) and change fewer fields.",
            )

    @property
    def n_tokens(self) -> int:
        """Words per trace: u, v, z of every waypoint."""
        return 3 * self.n_waypoints

    def write(self, path: Path) -> None:
        """Store as JSON."""
        write_json(path, {"method": METHOD} | dataclasses.asdict(self))


def read_token_vlm_config(path: Path) -> TokenVlmConfig:
    """Read a config that `TokenVlmConfig.write` stored.

    Raises:
        CheckpointError: It is of another method, or a field is missing or unknown.
    """
    fields = dict(read_json(path))
    if (method := fields.pop("method", None)) != METHOD:
        raise CheckpointError(
            f"{path} is of the method {method!r}.",
            expected=f"a checkpoint of the method {METHOD!r}",
            remedy="name the folder that the stage token_vlm wrote (models/token_vlm).",
        )
    known = {field.name for field in dataclasses.fields(TokenVlmConfig)}
    if known != set(fields):
        raise CheckpointError(
            f"{path} lacks {sorted(known - set(fields))} and has unknown {sorted(set(fields) - known)}.",
            expected="exactly the fields of mu0.baselines.token_vlm.config.TokenVlmConfig",
            remedy="train the tokenised VLM again with this version (stage token_vlm).",
        )
    return TokenVlmConfig(**fields | {"backbone": config_from(fields["backbone"], f"{path}: backbone")})


def preset(name: PresetName, **changes: Any) -> TokenVlmConfig:
    """The tokenised VLM of the named size with single fields changed; `backbone` may be a dict of changes."""
    sizes = {"train_backbone": True} | changes.pop("backbone", {})
    return TokenVlmConfig(backbone=backbone_preset(name, **sizes), **changes)
