"""Named sizes: twice the weights, sizes of features as a world model gives them, and the release's count."""

import dataclasses

import numpy as np
import pytest

from mu0.model.presets import preset
from mu0.params.action_expert import ActionExpertParams
from mu0.policy.action_expert import Variant
from mu0.policy.expert_estimate import blank_config, count_trainable
from mu0.policy.frozen_features import FeatureConfig
from mu0.policy.head_sizes import HEAD_SIZES, feature_sizes
from mu0.policy.trace_features import FeatureExtractor
from tests.mu0.policy.rival_experts import TEXTS, tiny_world_model

MILLION = 1e6
RELEASED = 457.0 * MILLION
"""Trainable weights of the release: action decoder 436.4, mixer 18.9, wrist 1.7 (reference/mu0.md §8.1)."""


def params(size: str, **changes: object) -> ActionExpertParams:
    return ActionExpertParams.model_validate({"size": size, "steps": 1, **changes})


@pytest.mark.parametrize("variant", ["mu0", "no_trace", "grounded", "diffusion_policy"])
def test_base_has_twice_the_weights_of_small(variant: Variant) -> None:
    small, base = (count_trainable(variant, params(size)) for size in ("small", "base"))
    assert 1.9 < base / small < 2.3


def test_base_doubles_the_expert_of_pi0_and_leaves_its_vision_and_text_layers() -> None:
    small, base = (count_trainable("pi0", params(size)) for size in ("small", "base"))
    assert 1.1 * MILLION < base - small < 1.3 * MILLION


def test_the_releases_size_is_within_two_per_cent_of_the_release() -> None:
    """Its count is met by no design: ours has other blocks, and readouts that the release lacks."""
    found = count_trainable("mu0", params("paper"))
    assert 463.8 * MILLION < found < 464.0 * MILLION
    assert abs(found / RELEASED - 1) < 0.02


def test_the_releases_size_has_its_depth_grid_and_solver() -> None:
    config = blank_config("mu0", params("paper"))
    assert (config.blocks, config.width, config.heads, config.euler_steps) == (18, 1024, 8, 10)
    assert (config.prefix_len, config.n_image_tokens, config.prefix_width) == (192, 144, 2048)
    assert (config.trace_len, config.trace_width) == (100, 1024)  # 20 x 20, averaged 2 x 2


def test_a_longer_chunk_costs_a_position_per_step() -> None:
    short, long = (count_trainable("mu0", params("paper", chunk_len=n)) for n in (16, 50))
    assert long - short == (50 - 16) * HEAD_SIZES["paper"].width


@pytest.mark.parametrize("features", [FeatureConfig(), FeatureConfig(grid=4)])
def test_sizes_of_features_are_found_without_taking_them(features: FeatureConfig) -> None:
    world_model = tiny_world_model()
    taken = FeatureExtractor(world_model, features)(np.zeros((1, 64, 64, 3), np.uint8), TEXTS[:1])
    assert feature_sizes(preset("tiny"), features) == {
        "prefix_width": taken.prefix.shape[2],
        "prefix_len": taken.prefix.shape[1],
        "n_image_tokens": taken.n_image_tokens,
        "trace_width": taken.trace.shape[2],
        "trace_len": taken.trace.shape[1],
        "map_channels": taken.feature_map.shape[1],
    }


def test_sizes_are_fields_of_an_expert() -> None:
    fields = {field.name for field in dataclasses.fields(blank_config("mu0", params("small")))}
    assert set(feature_sizes(preset("small"), FeatureConfig())) <= fields
