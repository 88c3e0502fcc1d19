"""Keypoints as tokens: what each was (history), what it might become (noisy control points), who sees whom.

Every keypoint has history tokens followed by future tokens. There is no keypoint index and all tokens share
one rotary position, so the model is equivariant to the order of keypoints; their image position enters by
Fourier features, their appearance by image features.

Shape suffixes (docs/conventions.md)
    B images   K noise draws   Q keypoints   G tokens per keypoint   D control points   C = 3   W expert width
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from mu0.model.anchor_depth import AnchorDepth
from mu0.model.backbone import Prefix
from mu0.model.config import WorldModelConfig
from mu0.model.embeddings import fourier_uv
from mu0.model.expert import SuffixView
from mu0.model.keypoint_features import sample_map

HISTORY, FUTURE = 0, 1


@dataclass(frozen=True)
class Keypoints:
    """The query side of a forward pass. Hidden history is masked out, never shown as zeros."""

    uv: Float[Tensor, "b q 2"]
    history: Float[Tensor, "b q past 3"]
    history_visible: Bool[Tensor, "b q groups"]
    valid: Bool[Tensor, "b q"]
    anchor_z_m: Float[Tensor, "b q"]  # 0 = unknown
    rays: Float[Tensor, "b 2 2"]  # of each image's camera, see mu0.model.displacement
    depth_visible: Bool[Tensor, " b"]  # whether the depth of the anchors may be looked at


class SuffixTokens(nn.Module):
    """Embeds keypoints and noisy control points."""

    def __init__(self, config: WorldModelConfig, feature_width: int) -> None:
        super().__init__()
        width = config.expert_width
        self.config = config
        self.history_in = nn.Linear(config.history_group * 3, width)
        self.no_history = None if config.history_as_token else nn.Parameter(torch.zeros(width))
        self.future_in = nn.Linear(config.control_points_per_token * 3, width)
        self.group_embedding = nn.Embedding(config.history_len + config.future_len, width)
        self.segment_embedding = nn.Embedding(2, width)
        last = nn.Linear(width, width)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.uv_mlp = nn.Sequential(nn.Linear(4 * config.uv_frequencies, width), nn.SiLU(), last)
        for embedding in (self.group_embedding, self.segment_embedding):
            nn.init.normal_(embedding.weight, std=0.02)
        self.fuse_in = nn.Linear(width + feature_width, width) if feature_width else None
        self.fuse_out = nn.Linear(width, width) if feature_width else None
        self.anchor_depth = AnchorDepth(config.uv_frequencies, width) if config.anchor_depth else None

    def forward(
        self, keypoints: Keypoints, noisy_BKQDC: Float[Tensor, "b k q d 3"], prefix: Prefix
    ) -> Float[Tensor, "bk tokens w"]:
        """Tokens in keypoint-major order."""
        config = self.config
        n_draws = noisy_BKQDC.shape[1]
        history = self.history_in(keypoints.history.flatten(2).unflatten(2, (config.n_history_groups, -1)))
        history = history[:, None].expand(-1, n_draws, -1, -1, -1)
        future = self.future_in(noisy_BKQDC.flatten(3).unflatten(3, (config.n_future_tokens, -1)))
        if self.no_history is None:
            tokens_BKQGW = torch.cat([history, future], dim=3) + self._group_rows()
        else:
            visible = keypoints.history_visible[:, None, ..., None]
            tokens_BKQGW = future + torch.where(visible, history, self.no_history) + self._group_rows()
        position = self.uv_mlp(fourier_uv(keypoints.uv, config.uv_frequencies))
        if self.anchor_depth is not None:
            seen_m = torch.where(keypoints.depth_visible[:, None], keypoints.anchor_z_m, 0.0)
            position = position + self.anchor_depth(seen_m)
        position = torch.where(keypoints.valid[..., None], position, 0.0)
        tokens_BKQGW = tokens_BKQGW + position[:, None, :, None]
        return self._fuse(tokens_BKQGW, keypoints, prefix).flatten(2, 3).flatten(0, 1)

    def _group_rows(self) -> Float[Tensor, "g w"]:
        """Which token of its keypoint, and whether past or future."""
        config = self.config
        segment = [HISTORY] * config.n_history_tokens + [FUTURE] * config.n_future_tokens
        rows = self.group_embedding.weight[: config.tokens_per_keypoint]
        return rows + self.segment_embedding.weight[segment]

    def _fuse(
        self, tokens_BKQGW: Float[Tensor, "b k q g w"], keypoints: Keypoints, prefix: Prefix
    ) -> Float[Tensor, "b k q g w"]:
        """Replace every token by a function of itself and of the image features at its keypoint."""
        if self.fuse_in is None or self.fuse_out is None:
            return tokens_BKQGW
        features = torch.cat([sample_map(a_map, keypoints.uv) for a_map in prefix.feature_maps], dim=-1)
        features = torch.where(keypoints.valid[..., None], features, 0.0)
        width = tokens_BKQGW.shape[-1]
        weight = self.fuse_in.weight  # one linear layer on [token, features], its image half computed once
        seen = functional.linear(features, weight[:, width:], self.fuse_in.bias)[:, None, :, None]
        mixed = functional.linear(tokens_BKQGW, weight[:, :width]) + seen
        return self.fuse_out(functional.silu(mixed))


def group_pattern(n_history: int, n_future: int) -> Bool[Tensor, "g g"]:
    """Which token kind sees which: history is causal by group, the future sees everything."""
    pattern = torch.ones(n_history + n_future, n_history + n_future, dtype=torch.bool)
    pattern[:n_history] = pattern[:n_history].tril()
    return pattern


def suffix_view(config: WorldModelConfig, prefix: Prefix, keypoints: Keypoints, n_draws: int) -> SuffixView:
    """Masks of one forward pass; hidden history and padding are removed as keys, never as queries."""
    n_queries = keypoints.valid.shape[1]
    pattern = group_pattern(config.n_history_tokens, config.n_future_tokens).to(prefix.mask.device)
    always = keypoints.valid[..., None].expand(-1, -1, config.n_future_tokens)
    history = (keypoints.history_visible & keypoints.valid[..., None])[..., : config.n_history_tokens]
    is_key = torch.cat([history, always], dim=-1).flatten(1)
    suffix_mask = pattern.repeat(n_queries, n_queries) & is_key[:, None]
    prefix_mask = prefix.mask[:, None].expand(-1, suffix_mask.shape[1], -1)
    joint_mask = torch.cat([prefix_mask, suffix_mask], dim=-1)[:, None].repeat_interleave(n_draws, dim=0)
    return SuffixView(n_draws, prefix.mask.sum(-1, keepdim=True), prefix.mask[:, None, None], joint_mask)
