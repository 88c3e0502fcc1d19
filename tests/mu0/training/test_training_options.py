"""Options of a training: what must not change a number does not, and what cannot work says so."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mu0.errors import StageError
from mu0.params.world_model import TrainParams, WorldModelParams
from mu0.training.acceleration import accelerated
from mu0.training.loop import fit, step_generator
from mu0.training.settings import FitSettings
from mu0.training.step import check_precision
from mu0.training.team import Team, training_device
from tests.mu0.training.tiny_training import NumberedBatches, build_tiny, train_tiny

# one layer of each kind, and no second way through them: compiling takes half a minute for each
LOSSES = """
import json, sys
from pathlib import Path
from mu0.training.world_model import train_world_model
from tests.mu0.training.tiny_training import TRAIN, NumberedBatches, build_tiny
model = build_tiny(text_layers=1, expert_layers=1, depth_dropout=0.0)
train = TRAIN.model_copy(update={"compile": sys.argv[2] == "compiled", "steps": 2})
run = train_world_model(model, {"train": NumberedBatches()}, train, Path(sys.argv[1]))
print(json.dumps([row["loss"] for row in run.fitted.log]))
"""


def linear_fit(folder: Path, n_rows: int, accumulate: int, ema_decay: float = 0.9) -> nn.Linear:
    """Regression on consecutive rows of one endless table, `n_rows` per batch."""
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    table = torch.randn(64, 4, generator=torch.Generator().manual_seed(3))

    def rows(number: int) -> Tensor:
        return table[torch.arange(number * n_rows, (number + 1) * n_rows) % 64]

    def loss(batch: Tensor, _generator: torch.Generator) -> dict[str, Tensor]:
        return {"loss": (model(batch) - batch.sum(1, keepdim=True)).square().mean()}

    settings = FitSettings(steps=6, lr=0.05, warmup_steps=0, accumulate=accumulate, ema_decay=ema_decay)
    fit(model, rows, loss, settings, folder)
    return model


def test_four_small_batches_are_one_large_one(tmp_path: Path) -> None:
    large, small = linear_fit(tmp_path / "1", 16, 1), linear_fit(tmp_path / "4", 4, 4)
    torch.testing.assert_close(large.weight, small.weight)


def test_without_an_average_the_last_weights_are_the_result(tmp_path: Path) -> None:
    averaged, last = linear_fit(tmp_path / "1", 8, 1), linear_fit(tmp_path / "2", 8, 1, ema_decay=0.0)
    assert not torch.equal(averaged.weight, last.weight)
    through = linear_fit(tmp_path / "3", 8, 1, ema_decay=0.0)
    assert torch.equal(last.weight, through.weight)


def test_the_batches_of_a_step_are_numbered_over_all_processes() -> None:
    members = [Team(rank, 2) for rank in range(2)]
    assert [list(member.batch_numbers(3, 2)) for member in members] == [[12, 13], [14, 15]]
    assert list(Team().batch_numbers(3, 4)) == [12, 13, 14, 15]
    assert list(Team().batch_numbers(3, 1)) == [3]


def _gradients(*, checkpointing: bool = False) -> dict[str, Tensor]:
    model = build_tiny().train()
    with accelerated(model, checkpointing=checkpointing, compiling=False, precision="float32"):
        for number in range(2):  # one of them looks at the depth panel
            model.loss(NumberedBatches().batch(number, 3, 5, 0), step_generator(0, number)).total.backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def test_checkpointing_changes_no_gradient_not_even_of_the_depth_adapters() -> None:
    plain, checkpointed = _gradients(), _gradients(checkpointing=True)
    assert plain.keys() == checkpointed.keys()
    assert any(".down." in name and plain[name].abs().sum() > 0 for name in plain)
    for name, gradient in plain.items():
        torch.testing.assert_close(gradient, checkpointed[name], msg=name)


def test_acceleration_ends_with_its_block() -> None:
    model = build_tiny()
    before = {name: dict(module.__dict__) for name, module in model.named_modules()}
    with accelerated(model, checkpointing=True, compiling=False, precision="bfloat16"):
        assert "_text_layer" in model.backbone.__dict__
    assert {name: dict(module.__dict__) for name, module in model.named_modules()} == before


def test_bfloat16_trains_close_to_float32_with_float32_weights(tmp_path: Path) -> None:
    exact, rounded = train_tiny(tmp_path / "32"), train_tiny(tmp_path / "16", precision="bfloat16")
    assert all(p.dtype == torch.float32 for p in rounded.model.parameters())
    losses = [[row["loss"] for row in run.fitted.log] for run in (exact, rounded)]
    assert losses[0] != losses[1]
    torch.testing.assert_close(torch.tensor(losses[1]), torch.tensor(losses[0]), rtol=0.05, atol=0.0)


def test_float16_needs_cuda() -> None:
    with pytest.raises(StageError, match=r"float16` was asked for on cpu(.|\n)*bfloat16"):
        check_precision("float16", torch.device("cpu"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_cuda_that_is_not_there_is_refused() -> None:
    assert training_device("auto") == torch.device("cpu")
    with pytest.raises(StageError, match=r"no CUDA device(.|\n)*device: auto"):
        training_device("cuda")


def test_sharding_needs_a_team(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"single process(.|\n)*torchrun"):
        train_tiny(tmp_path, sharding="full")


def test_other_schedules_have_known_values() -> None:
    constant = FitSettings(steps=1000, lr=1.0, warmup_steps=0, schedule="constant")
    assert [constant.lr_at(step) for step in (0, 500, 999)] == [1.0, 1.0, 1.0]
    cosine = FitSettings(steps=1000, lr=1.0, warmup_steps=100, schedule="cosine")
    assert cosine.lr_at(49) == pytest.approx(0.5)
    assert cosine.lr_at(100) == pytest.approx(1.0)
    assert cosine.lr_at(550) == pytest.approx(0.51)
    assert cosine.lr_at(1000) == pytest.approx(0.02)


def test_paper_trains_like_the_release_unless_told_otherwise() -> None:
    train = WorldModelParams.model_validate({"preset": "paper", "train": {"lr": 2e-4}}).train
    assert (train.lr, train.schedule, train.warmup_steps, train.ema_decay) == (2e-4, "constant", 0, 0.0)
    assert (train.weight_decay, train.n_queries, train.fewest_queries) == (1e-10, 256, 1)
    small = WorldModelParams.model_validate({"preset": "small", "train": {"steps": 5}}).train
    assert small == TrainParams(steps=5)


@pytest.mark.parametrize(
    "changes", [{"accumulate": 2}, {"accumulate": 2, "ema_decay": 0.5}, {"precision": "bfloat16"}]
)
def test_a_world_model_resumes_to_the_same_bytes(tmp_path: Path, changes: dict[str, object]) -> None:
    through = train_tiny(tmp_path / "through", steps=4, **changes)
    train_tiny(tmp_path / "stopped", steps=2, **changes)  # the rate of the first two steps is the same
    resumed = train_tiny(tmp_path / "stopped", steps=4, **changes)
    assert resumed.fitted.steps_run == 2
    weights = resumed.model.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in through.model.state_dict().items())


@pytest.mark.slow
def test_compiled_layers_give_the_same_loss(tmp_path: Path) -> None:
    losses = []
    for how in ("plain", "compiled"):  # without run-time type checks
        command = [sys.executable, "-c", LOSSES, str(tmp_path / how), how]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        losses.append(json.loads(told.splitlines()[-1]))
    assert losses[1] == pytest.approx(losses[0], rel=1e-4, abs=1e-4)
