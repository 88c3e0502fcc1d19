"""The U-Net over a chunk: equal length out, every step sees every other, and the condition has its say."""

import pytest
import torch

from mu0.policy.chunk_unet import STEP_MULTIPLE, ChunkUnet


@pytest.fixture
def unet() -> ChunkUnet:
    torch.manual_seed(0)
    return ChunkUnet(action_dim=3, width=16, condition_width=7).eval()


@pytest.mark.parametrize("n_steps", [STEP_MULTIPLE, 16, 20])
def test_as_many_steps_come_out_as_went_in(unet: ChunkUnet, n_steps: int) -> None:
    assert unet(torch.randn(2, n_steps, 3), torch.randn(2, 7)).shape == (2, n_steps, 3)


def test_the_first_step_depends_on_the_last(unet: ChunkUnet) -> None:
    actions = torch.randn(1, 16, 3, requires_grad=True)
    unet(actions, torch.randn(1, 7))[0, 0].sum().backward()
    assert actions.grad is not None
    assert actions.grad[0, -1].abs().max() > 0


def test_the_condition_matters(unet: ChunkUnet) -> None:
    actions = torch.randn(1, 16, 3)
    first, second = unet(actions, torch.zeros(1, 7)), unet(actions, torch.ones(1, 7))
    assert (first - second).abs().max() > 1e-4


def test_rows_do_not_see_each_other(unet: ChunkUnet) -> None:
    actions, condition = torch.randn(3, 16, 3), torch.randn(3, 7)
    together = unet(actions, condition)
    torch.testing.assert_close(together[1:2], unet(actions[1:2], condition[1:2]), atol=1e-5, rtol=1e-4)
