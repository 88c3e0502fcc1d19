"""The loop: exact resume, honest about bad batches, a schedule with known values."""

import os
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from assets_defs.entry import run_stage
from mu0.errors import CheckpointError, StageError
from mu0.training.loop import FitResult, fit, step_generator
from mu0.training.settings import FitSettings

SETTINGS = FitSettings(steps=12, lr=0.05, warmup_steps=2, log_every=1, seed=7)
Batch = dict[str, Tensor]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def make_batch(step: int) -> Batch:
    x = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
    return {"x": x, "y": x @ torch.tensor([[1.0], [-2.0], [0.5], [3.0]])}


def build() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))


def train(
    model: nn.Module,
    folder: Path,
    settings: FitSettings = SETTINGS,
    *,
    interrupt_at: int = -1,
    number: signal.Signals = signal.SIGTERM,
) -> FitResult:
    def loss(batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        noise = torch.randn(16, 1, generator=generator) * 0.01
        return {"loss": (model(batch["x"]) + noise - batch["y"]).square().mean()}

    def on_log(step: int, _row: dict[str, float]) -> None:
        if step == interrupt_at:
            os.kill(os.getpid(), number)

    return fit(model, make_batch, loss, settings, folder, on_log)


def test_the_loss_falls(tmp_path: Path) -> None:
    result = train(build(), tmp_path, FitSettings(steps=200, lr=0.05, log_every=1))
    assert result.log[-1]["loss"] < 0.1 * result.log[0]["loss"]
    assert result.steps_run == 200


def test_an_interrupted_training_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    through, stopped = build(), build()
    complete = train(through, tmp_path / "through")
    with pytest.raises(KeyboardInterrupt):
        train(stopped, tmp_path / "stopped", interrupt_at=4)
    fresh = build()
    resumed = train(fresh, tmp_path / "stopped")
    assert resumed.steps_run == 12 - 5
    assert resumed.log == complete.log
    for (name, expected), actual in zip(
        through.state_dict().items(), fresh.state_dict().values(), strict=True
    ):
        assert torch.equal(expected, actual), name
    states = [load_file(tmp_path / which / "state.safetensors") for which in ("through", "stopped")]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_ctrl_c_finishes_the_step_says_so_and_leaves_with_130(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def stage() -> None:
        train(build(), tmp_path, interrupt_at=4, number=signal.SIGINT)

    with pytest.raises(SystemExit, match="130"):
        run_stage(stage)
    assert "Finished work is kept; the same command goes on from here." in capsys.readouterr().err
    assert train(build(), tmp_path).steps_run == 12 - 5


def test_the_same_training_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = build(), build()
    train(first, tmp_path / "first")
    train(second, tmp_path / "second")
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_a_state_of_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(build(), tmp_path, interrupt_at=2)
    other = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.Linear(8, 1))
    with pytest.raises(
        CheckpointError, match=r"cannot be continued.*lacks 4 tensors, first average\.3\.bias"
    ):
        train(other, tmp_path)


def test_a_damaged_state_is_reported(tmp_path: Path) -> None:
    (tmp_path / "state.safetensors").write_bytes(b"\x00" * 9)
    with pytest.raises(CheckpointError, match=r"cannot be continued"):
        train(build(), tmp_path)


def _train_with_nan(tmp_path: Path, bad_steps: set[int], max_bad_batches: int) -> FitResult:
    model = build()

    def make(step: int) -> Batch:
        batch = make_batch(step)
        return batch if step not in bad_steps else batch | {"y": torch.full((16, 1), torch.nan)}

    def loss(batch: Batch, _generator: torch.Generator) -> dict[str, Tensor]:
        return {"loss": (model(batch["x"]) - batch["y"]).square().mean()}

    settings = FitSettings(steps=12, lr=0.05, max_bad_batches=max_bad_batches)
    result = fit(model, make, loss, settings, tmp_path)
    assert all(torch.isfinite(p).all() for p in model.parameters())
    return result


def test_bad_batches_are_left_out_counted_and_kept(tmp_path: Path) -> None:
    assert _train_with_nan(tmp_path, {3, 5}, max_bad_batches=2).n_bad_batches == 2
    kept = load_file(tmp_path / "bad_batches" / "step_00000005" / "batch.safetensors")
    assert torch.isnan(kept["y"]).all()
    assert torch.equal(kept["x"], make_batch(5)["x"])
    assert (tmp_path / "bad_batches" / "step_00000003" / "summary.json").is_file()


def test_too_many_bad_batches_stop_the_training(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"3 of 6 batches had a loss .*step_00000005(.|\n)*lower `lr`"):
        _train_with_nan(tmp_path, {3, 4, 5}, max_bad_batches=2)


def test_the_learning_rate_warms_up_and_decays_to_two_percent() -> None:
    settings = FitSettings(steps=1000, lr=1.0, warmup_steps=100)
    assert settings.lr_at(0) == pytest.approx(0.01)
    assert settings.lr_at(99) == pytest.approx(1.0)
    assert settings.lr_at(600) == pytest.approx(1.0)
    assert settings.lr_at(800) == pytest.approx(0.51)
    assert settings.lr_at(1000) == pytest.approx(0.02)


def test_the_average_forgets_the_start_quickly() -> None:
    settings = FitSettings(steps=10, lr=1.0, ema_decay=0.98)
    assert settings.ema_decay_at(0) == pytest.approx(0.1)
    assert settings.ema_decay_at(10_000) == 0.98


def test_every_step_has_its_own_noise() -> None:
    draws = [torch.rand(1, generator=step_generator(0, step)).item() for step in (0, 1, 0)]
    assert draws[0] == draws[2] != draws[1]
