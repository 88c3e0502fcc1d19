"""Features on disk: taken once, equal to what the extractor gave, trained on as if they were in memory."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from mu0.policy.action_expert import ActionExpert
from mu0.policy.demonstrations import DemonstrationFrames, chunks_of, next_keyframes
from mu0.policy.expert_training import ExpertData, expert_loss
from mu0.policy.frozen_features import (
    BATCH,
    Extractor,
    FeatureConfig,
    FrozenFeatures,
    cache_key,
    cached_features,
)
from mu0.policy.normalization import fit_normalization
from mu0.training.loop import fit
from mu0.training.settings import FitSettings

N = 2 * BATCH + 3
Make = Callable[..., ActionExpert]


def take(images: np.ndarray, instructions: Sequence[str]) -> FrozenFeatures:
    """Features that follow from the pixels."""
    rng = np.random.default_rng(0)
    seen = images[:, 0, 0, :1].astype(np.float32)[..., None]
    prefix = seen * rng.normal(size=(1, 20, 12)).astype(np.float32)
    mask = np.ones((len(images), 20), bool)
    mask[:, 18:] = np.array([len(text) > 5 for text in instructions])[:, None]
    feature_map = (seen * rng.normal(size=(1, 6, 64)).astype(np.float32)).reshape(-1, 6, 8, 8)
    return FrozenFeatures(prefix, mask, prefix[:, :4, :10], feature_map, 16)


def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (N, 4, 4, 3), dtype=np.uint8)


TEXTS = ["apple", "the red apple"] * N


def test_what_is_mapped_is_what_was_taken_in_half_precision(tmp_path: Path) -> None:
    stored, taken = (
        cached_features(tmp_path / "k", lambda: take, images(), TEXTS[:N]),
        take(images(), TEXTS[:N]),
    )
    for name in ("prefix", "trace", "feature_map"):
        assert isinstance(getattr(stored, name), np.memmap)
        np.testing.assert_array_equal(getattr(stored, name), getattr(taken, name).astype(np.float16))
    np.testing.assert_array_equal(stored.prefix_mask, taken.prefix_mask)
    assert stored.n_image_tokens == 16


def test_they_are_taken_once(tmp_path: Path) -> None:
    made = []

    def make() -> Extractor:
        made.append(1)
        return take

    for _ in range(2):
        cached_features(tmp_path / "k", make, images(), TEXTS[:N])
    assert made == [1]


def test_an_interruption_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    def stops(images: np.ndarray, instructions: Sequence[str]) -> FrozenFeatures:
        if images.shape[0] < BATCH:
            raise KeyboardInterrupt
        return take(images, instructions)

    with pytest.raises(KeyboardInterrupt):
        cached_features(tmp_path / "k", lambda: stops, images(), TEXTS[:N])
    assert list(tmp_path.iterdir()) == []
    assert len(cached_features(tmp_path / "k", lambda: take, images(), TEXTS[:N]).prefix) == N


def test_the_key_depends_on_everything() -> None:
    keys = {
        cache_key("a", FeatureConfig(), "frames"),
        cache_key("b", FeatureConfig(), "frames"),
        cache_key("a", FeatureConfig(grid=4), "frames"),
        cache_key("a", FeatureConfig(), "others"),
        cache_key("a", FeatureConfig(untrained_seed=0), "frames"),
    }
    assert len(keys) == 5


def losses(expert: ActionExpert, data: ExpertData, folder: Path) -> list[float]:
    settings = FitSettings(5, 3e-3, 2, log_every=1)
    fitted = fit(
        expert,
        lambda step: data.batch(8, 0, step),
        lambda batch, generator: expert_loss(expert, batch, 2, generator),
        settings,
        folder,
    )
    return [row["loss"] for row in fitted.log]


@pytest.mark.parametrize("variant", ["mu0", "no_trace"])
def test_training_from_files_equals_training_from_memory_bit_for_bit(
    make_expert: Make, tmp_path: Path, variant: str
) -> None:
    rng = np.random.default_rng(2)
    state, action = rng.normal(size=(2, N, 9)).astype(np.float32)
    action = 0.1 * action[:, :5]
    action[:, 4] = np.arange(N) // 8 % 2
    chunks = chunks_of(action, 16)
    keyframe, valid = next_keyframes(state, action)
    wrist = rng.integers(0, 256, (N, 64, 64, 3), dtype=np.uint8)
    np.save(tmp_path / "wrist.npy", wrist)
    features = cached_features(tmp_path / "k", lambda: take, images(), TEXTS[:N])
    in_memory = FrozenFeatures(
        *(np.array(getattr(features, each)) for each in ("prefix", "prefix_mask", "trace", "feature_map")), 16
    )
    found = []
    for number, (pictures, each) in enumerate(
        [(wrist, in_memory), (np.load(tmp_path / "wrist.npy", mmap_mode="r"), features)]
    ):
        frames = DemonstrationFrames(
            front=pictures,
            wrist=pictures,
            state=state,
            chunk=chunks,
            keyframe=keyframe,
            keyframe_valid=valid,
            told=None,
            instruction_id=np.zeros(N, np.int64),
            instructions=["apple"],
        )
        normalization = fit_normalization(state, frames.chunk)
        data = ExpertData(frames, each, normalization, ("apple", "red", "sink"), 5)
        found.append(losses(make_expert(variant), data, tmp_path / str(number)))
    assert found[0] == found[1]
