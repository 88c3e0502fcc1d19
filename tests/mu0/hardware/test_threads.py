"""The number of threads holds within the block alone, whatever ends it."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mu0.hardware.threads import cpu_threads
from mu0.training.loop import fit
from mu0.training.settings import FitSettings


@pytest.mark.parametrize(("asked", "within"), [(2, 2), (1, 1), (0, 3)])
def test_the_number_holds_within_the_block_alone(asked: int, within: int) -> None:
    seen = []

    def fails() -> None:
        with cpu_threads(asked):
            seen.append(torch.get_num_threads())
            raise ZeroDivisionError

    with cpu_threads(3):
        with pytest.raises(ZeroDivisionError):
            fails()
        seen.append(torch.get_num_threads())
    assert seen == [within, 3]


def test_a_training_takes_the_threads_that_it_is_given(tmp_path: Path) -> None:
    model, seen = nn.Linear(1, 1), []

    def loss(batch: Tensor, _generator: torch.Generator) -> dict[str, Tensor]:
        seen.append(torch.get_num_threads())
        return {"loss": model(batch).square().sum()}

    settings = FitSettings(steps=2, lr=0.1, threads=3)
    fit(model, lambda _: torch.ones(1, 1), loss, settings, tmp_path)
    assert seen == [3, 3]
