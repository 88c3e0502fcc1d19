"""What a training leaves beside its weights: the loss curve as CSV, its numbers as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from torch import nn

from mu0.files import atomic_file, write_json
from mu0.training.loop import FitResult

MEAN_OVER_ROWS = 20


def write_record(
    folder: Path,
    name: str,
    model: nn.Module,
    fitted: FitResult,
    validation: Mapping[str, float],
    facts: Mapping[str, Any],
) -> None:
    """Write `name`.csv and `name`.json.

    Args:
        folder: Made if missing.
        name: Of the stage or variant.
        model: Whose parameters are counted.
        fitted: Of the loop; the last rows of its log are averaged.
        validation: Mean loss terms on held-out windows.
        facts: Steps, frames and what else is to be known; they win over averaged columns of that name.
    """
    log = pd.DataFrame(fitted.log).astype({"step": int})
    with atomic_file(folder / f"{name}.csv") as temporary:
        log.to_csv(temporary, index=False)
    last = log.tail(MEAN_OVER_ROWS).drop(columns=["step", "lr", "grad_norm"], errors="ignore").mean()
    numbers: dict[str, Any] = {str(term): float(value) for term, value in last.items()}
    numbers |= {"n_parameters": sum(weight.numel() for weight in model.parameters())}
    numbers |= {"n_bad_batches": fitted.n_bad_batches}
    write_json(folder / f"{name}.json", numbers | dict(facts) | {"val": dict(validation)})


def pace(fitted: FitResult) -> dict[str, float]:
    """Seconds of this training, and the share of them in which the model waited for data."""
    return {"seconds": fitted.seconds, "waiting_share": fitted.waiting_s / max(fitted.seconds, 1e-9)}
