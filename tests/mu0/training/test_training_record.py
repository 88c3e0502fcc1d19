"""What a training leaves: averages over the last rows, counts, and the share of time spent on waiting."""

from pathlib import Path

import pandas as pd
import pytest
from torch import nn

from mu0.files import read_json
from mu0.training.loop import FitResult
from mu0.training.record import MEAN_OVER_ROWS, pace, write_record


def test_the_last_rows_are_averaged_and_facts_win(tmp_path: Path) -> None:
    rows = [{"step": 10.0 * n, "lr": 0.1, "grad_norm": 9.0, "loss": float(n)} for n in range(30)]
    fitted = FitResult(rows, n_bad_batches=2, steps_run=300, seconds=40.0)
    write_record(tmp_path, "mine", nn.Linear(3, 2), fitted, {"loss": 7.0}, {"steps": 300})
    expected_loss = sum(range(30 - MEAN_OVER_ROWS, 30)) / MEAN_OVER_ROWS
    assert read_json(tmp_path / "mine.json") == {
        "loss": expected_loss, "n_parameters": 8, "n_bad_batches": 2, "steps": 300, "val": {"loss": 7.0}
    }  # fmt: skip
    assert list(pd.read_csv(tmp_path / "mine.csv")["step"]) == [10 * n for n in range(30)]


def test_waiting_is_a_share_of_the_time() -> None:
    numbers = pace(FitResult([], 0, 0, seconds=20.0, waiting_s=5.0))
    assert numbers == pytest.approx({"seconds": 20.0, "waiting_share": 0.25})
