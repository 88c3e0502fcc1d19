"""An expert that learns to see by itself is an expert on features, but for who trains the encoder."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from mu0.dataset.statistics import NormalizerStats
from mu0.model.checkpoint import save_checkpoint
from mu0.model.presets import preset
from mu0.model.tokenizer import train_tokenizer
from mu0.model.world_model import TraceWorldModel
from mu0.policy.action_expert import ActionExpert, ActionExpertConfig, PolicyInputs
from mu0.policy.checkpoint import (
    ActionExpertCheckpoint,
    load_action_expert,
    save_action_expert,
    world_model_sha256,
)
from mu0.policy.end_to_end import SeeingExpert
from mu0.policy.front_encoder import Picture
from mu0.policy.frozen_features import FeatureConfig
from mu0.policy.normalization import PolicyNormalization
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy
from mu0.policy.trace_features import FeatureExtractor
from mu0.records import Observation

TEXTS = ["pick the red apple", "put it into the sink now"]


@pytest.fixture
def world_model() -> TraceWorldModel:
    torch.manual_seed(0)
    config = preset("tiny")
    tokenizer = train_tokenizer(TEXTS, config.vocabulary_size, config.max_text_tokens)
    return TraceWorldModel(config, tokenizer, NormalizerStats(1.0, 1.0, 1.0, 1, 8, 32))


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)


@pytest.fixture
def blind() -> PolicyInputs:
    generator = torch.Generator().manual_seed(1)
    wrist = torch.randint(0, 256, (2, 3, 64, 64), generator=generator, dtype=torch.uint8)
    return PolicyInputs(wrist, torch.randn(2, 9, generator=generator), torch.ones(2, 5, dtype=torch.long))


def seeing_expert(world_model: TraceWorldModel, pictures: np.ndarray) -> SeeingExpert:
    row = FeatureExtractor(world_model, FeatureConfig(), with_trace=False)(pictures[:1], TEXTS[:1])
    config = ActionExpertConfig(
        variant="end_to_end",
        objective="l1",
        vocabulary=("apple", "red", "sink"),
        prefix_width=row.prefix.shape[2],
        prefix_len=row.prefix.shape[1],
        n_image_tokens=row.n_image_tokens,
        trace_width=row.trace.shape[2],
        trace_len=row.trace.shape[1],
        map_channels=row.feature_map.shape[1],
        width=16,
        heads=2,
        n_keypoints=4,
        max_words=5,
    )
    torch.manual_seed(1)
    return SeeingExpert(config, world_model)


def with_picture(world_model: TraceWorldModel, inputs: PolicyInputs, pictures: np.ndarray) -> PolicyInputs:
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2)
    return dataclasses.replace(inputs, picture=Picture(pixels, *world_model.tokenizer(TEXTS)))


def chunk(expert: ActionExpert, inputs: PolicyInputs) -> torch.Tensor:
    with torch.inference_mode():
        return expert.regress(expert.encode(inputs))


def test_before_training_it_acts_as_an_expert_on_features_of_its_encoder(
    world_model: TraceWorldModel, pictures: np.ndarray, blind: PolicyInputs
) -> None:
    seeing = seeing_expert(world_model, pictures).eval()
    on_features = ActionExpert(dataclasses.replace(seeing.config, variant="no_pretraining")).eval()
    on_features.load_state_dict({n: t for n, t in seeing.state_dict().items() if not n.startswith("eyes.")})
    features = FeatureExtractor(world_model, FeatureConfig(), with_trace=False)(pictures, TEXTS)
    expected = chunk(on_features, dataclasses.replace(blind, front=features.rows(np.arange(2))))
    found = chunk(seeing, with_picture(world_model, blind, pictures))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_what_it_learns_reaches_the_first_layer_that_looks(
    world_model: TraceWorldModel, pictures: np.ndarray, blind: PolicyInputs
) -> None:
    expert = seeing_expert(world_model, pictures).train()
    context = expert.encode(with_picture(world_model, blind, pictures))
    (expert.regress(context).sum() + context.keyframe.sum()).backward()
    first = next(expert.eyes.stem.parameters())
    assert first.grad is not None
    assert first.grad.abs().max() > 0


@pytest.fixture
def saved(world_model: TraceWorldModel, pictures: np.ndarray, tmp_path: Path) -> SeeingExpert:
    """As if trained, with its folder and its world model's beside each other."""
    save_checkpoint(tmp_path / "world_model", world_model, {})
    expert = seeing_expert(world_model, pictures).eval()
    with torch.no_grad():
        for parameter in expert.parameters():
            parameter.add_(0.01)
    meta = {"world_model_sha256": world_model_sha256(tmp_path / "world_model")}
    statistics = PolicyNormalization((0.0,) * 9, (1.0,) * 9, (0.0,) * 5, (1.0,) * 5)
    save_action_expert(tmp_path / "expert", ActionExpertCheckpoint(expert, FeatureConfig(), statistics, meta))
    return expert


def test_its_encoder_comes_back_from_disk(
    world_model: TraceWorldModel,
    pictures: np.ndarray,
    blind: PolicyInputs,
    saved: SeeingExpert,
    tmp_path: Path,
) -> None:
    loaded = load_action_expert(tmp_path / "expert", tmp_path / "world_model").expert
    inputs = with_picture(world_model, blind, pictures)
    assert torch.equal(chunk(loaded, inputs), chunk(saved, inputs))


@pytest.mark.usefixtures("saved")
def test_as_a_policy_it_acts_on_what_it_sees(pictures: np.ndarray, tmp_path: Path) -> None:
    policy = TraceConditionedPolicy.load(tmp_path / "expert", tmp_path / "world_model")
    wrist, state = np.zeros((64, 64, 3), np.uint8), np.zeros(9, np.float32)
    chunks = []
    for picture in (pictures[0], pictures[0], pictures[1]):
        policy.reset(0)
        seen = Observation(picture, TEXTS[0], wrist_image=wrist, proprioception=state)
        chunks.append(policy.predict_action_chunk(seen).actions)
    np.testing.assert_array_equal(chunks[0], chunks[1])
    assert np.abs(chunks[0] - chunks[2]).max() > 1e-5
