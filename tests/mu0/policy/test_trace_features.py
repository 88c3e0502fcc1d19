"""Frozen features: the same for equal observations, and independent of batch mates."""

import numpy as np
import pytest
import torch

from mu0.dataset.statistics import NormalizerStats
from mu0.model.presets import preset
from mu0.model.tokenizer import train_tokenizer
from mu0.model.world_model import TraceWorldModel
from mu0.policy.frozen_features import FeatureConfig
from mu0.policy.trace_features import FeatureExtractor, untrained_like

TEXTS = ["pick the red apple", "put it into the sink now"]


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    torch.manual_seed(0)
    config = preset("tiny")
    tokenizer = train_tokenizer(TEXTS, config.vocabulary_size, config.max_text_tokens)
    model = TraceWorldModel(config, tokenizer, NormalizerStats(1.0, 1.0, 1.0, 1, 8, 32))
    return FeatureExtractor(model, FeatureConfig(grid=4))


def images(n: int = 2, size: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def test_shapes_and_mask(extractor: FeatureExtractor) -> None:
    features = extractor(images(), TEXTS)
    config = extractor.world_model.config
    assert features.prefix.shape[1] == features.n_image_tokens + config.max_text_tokens
    assert features.trace.shape == (2, 4, config.expert_width)
    assert features.prefix_mask[:, : features.n_image_tokens].all()
    assert not features.prefix_mask[0].all()
    assert not features.prefix[~features.prefix_mask].any()


def test_batch_mates_do_not_matter(extractor: FeatureExtractor) -> None:
    both, first = extractor(images(), TEXTS), extractor(images()[:1], TEXTS[:1])
    np.testing.assert_allclose(both.prefix[:1], first.prefix, atol=1e-4)
    np.testing.assert_allclose(both.trace[:1], first.trace, atol=1e-4)


def test_without_traces_the_prefix_is_the_same(extractor: FeatureExtractor) -> None:
    blind = FeatureExtractor(extractor.world_model, extractor.config, with_trace=False)
    np.testing.assert_array_equal(blind(images(), TEXTS).prefix, extractor(images(), TEXTS).prefix)
    assert not blind(images(), TEXTS).trace.any()


def test_images_of_another_size_are_resized(extractor: FeatureExtractor) -> None:
    assert extractor(images(size=96), TEXTS).prefix.shape == extractor(images(), TEXTS).prefix.shape


def test_frames_of_a_mapped_file_are_as_good_as_any(extractor: FeatureExtractor) -> None:
    read_only = images()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(extractor(read_only, TEXTS).prefix, extractor(images(), TEXTS).prefix)


def test_world_model_is_frozen(extractor: FeatureExtractor) -> None:
    assert not any(parameter.requires_grad for parameter in extractor.world_model.parameters())


def test_the_untrained_encoder_differs_in_its_weights_only(
    extractor: FeatureExtractor,
) -> None:
    trained = extractor.world_model.state_dict()
    first, again, other = (untrained_like(extractor.world_model, seed).state_dict() for seed in (1, 1, 2))
    assert {name: tensor.shape for name, tensor in first.items()} == {
        name: tensor.shape for name, tensor in trained.items()
    }
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
    assert any(not torch.equal(first[name], trained[name]) for name in first)


def test_features_without_pretraining_know_nothing_of_it(
    extractor: FeatureExtractor,
) -> None:
    torch.manual_seed(5)
    model = extractor.world_model
    retrained = TraceWorldModel(model.config, model.tokenizer, model.statistics)
    config = FeatureConfig(grid=4, untrained_seed=3)
    first, second = (FeatureExtractor(each, config)(images(), TEXTS) for each in (model, retrained))
    np.testing.assert_array_equal(first.prefix, second.prefix)
    assert not np.array_equal(first.prefix, extractor(images(), TEXTS).prefix)
