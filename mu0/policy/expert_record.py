"""What the training of an action expert leaves beside its weights: the loss curve as CSV, numbers as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mu0.files import atomic_file, write_json
from mu0.training.loop import FitResult

TERMS = ("loss", "action_loss", "keyframe_loss")
KNOWN = ("n_frames", "n_parameters", "scale", "convolutions")
MEAN_OVER_ROWS = 20
"""Single steps are noisy; the reported final losses are means over this many last rows of the log."""


def write_expert_record(
    folder: Path, name: str, fitted: FitResult, meta: Mapping[str, Any], steps: int
) -> None:
    """Write `name`.csv and `name`.json.

    Args:
        folder: Made if missing.
        name: Of the expert.
        fitted: Of the loop.
        meta: Of the checkpoint; some of it is repeated.
        steps: That were asked for.
    """
    log = pd.DataFrame(fitted.log).astype({"step": int})
    with atomic_file(folder / f"{name}.csv") as temporary:
        log.to_csv(temporary, index=False)
    last = log.tail(MEAN_OVER_ROWS).mean()
    numbers = {term: float(last[term]) for term in TERMS} | {key: meta[key] for key in KNOWN}
    numbers |= {"steps": steps, "seconds": fitted.seconds, "n_bad_batches": fitted.n_bad_batches}
    write_json(folder / f"{name}.json", numbers)
