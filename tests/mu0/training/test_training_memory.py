"""Memory of a step: counted without allocating, in proportion to what is asked."""

import pytest
from torch import Tensor

from mu0.model.presets import preset
from mu0.params.world_model import TrainParams
from mu0.training.memory import MemoryEstimate, blank_batch, blank_model, estimate_memory

TRAIN = TrainParams(steps=1, batch_size=2, n_queries=4)


def estimate(**changes: object) -> MemoryEstimate:
    return estimate_memory(preset("tiny"), TRAIN.model_copy(update=changes))


def test_the_parts_are_those_of_the_real_model() -> None:
    found, model = estimate(), blank_model(preset("tiny"))
    assert found.n_parameters == sum(p.numel() for p in model.parameters())
    assert found.gradients == found.average == found.moments / 2 == 4 * found.n_trainable
    batch = vars(blank_batch(preset("tiny"), TRAIN))
    tensors = [value for value in batch.values() if isinstance(value, Tensor)]
    assert found.batch == sum(tensor.nbytes for tensor in tensors)
    assert found.peak > found.weights + found.average + found.moments + found.activations


@pytest.mark.slow
def test_activations_grow_with_the_batch_and_shrink_with_checkpointing() -> None:
    one, four = estimate(), estimate(batch_size=8)
    assert four.activations == pytest.approx(4 * one.activations, rel=0.1)
    assert four.weights == one.weights
    assert estimate(batch_size=8, checkpointing=True).activations < 0.6 * four.activations
    assert estimate(batch_size=8, precision="bfloat16").activations < four.activations
