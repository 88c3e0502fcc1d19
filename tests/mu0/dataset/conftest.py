"""Fixtures: a small trace dataset on disk."""

import pytest

from mu0.dataset.statistics import NormalizerStats
from tests.mu0.dataset.tiny_dataset import TinyDataset, make_tiny_dataset


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyDataset:
    return make_tiny_dataset(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def statistics(tiny: TinyDataset) -> NormalizerStats:
    return NormalizerStats.read(tiny.folder / "normalizer_stats.json")
