"""`mu0 estimate`: memory and time of trainings that have not begun."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import typer

from mu0.cli.sections import find_section
from mu0.cli.tables import print_table
from mu0.errors import ParamsError
from mu0.model.presets import PresetName
from mu0.params.world_model import WorldModelParams
from mu0.training.estimate import TrainingEstimate, estimate_training

GIB = 2**30
MIB = 2**20
COLUMNS = (
    "preset", "weights", "trainable", "passes x images", "memory", "of it activations", "optimizer, average",
    "data per step", "step", "whole training",
)  # fmt: skip
STEPS = 2000  # of presets that params.yaml does not train; `paper` knows its own


def show_estimates(names: Sequence[str], params_file: Path | None = None, *, measured: bool) -> None:
    """Print a line for each preset; the one in the params file is estimated as that file trains it."""
    chosen = find_section(params_file, "world_model", WorldModelParams)
    unknown = sorted(set(names) - set(get_args(PresetName)))
    if unknown:
        raise ParamsError(
            f"There is no preset {', '.join(unknown)}.",
            expected=f"one of {', '.join(get_args(PresetName))}",
            remedy="run `mu0 estimate small`.",
        )
    rows = []
    for name in names or get_args(PresetName):
        typer.echo(f"estimating {name} …", err=True)
        params = chosen if chosen and name == chosen.preset else _defaults(name)
        rows.append(_row(params, estimate_training(params, measured=measured)))
    print_table(COLUMNS, rows)
    typer.echo("Memory is that of one process; what an allocator rounds up comes on top (a few percent).")


def _defaults(name: str) -> WorldModelParams:
    train = {} if name == "paper" else {"steps": STEPS}
    return WorldModelParams.model_validate({"preset": name, "train": train})


def _row(params: WorldModelParams, found: TrainingEstimate) -> list[str]:
    memory, train = found.memory, params.train
    return [
        params.preset,
        millions(memory.n_parameters),
        millions(memory.n_trainable),
        f"{train.accumulate} x {train.batch_size}, {train.n_queries} keypoints, {train.precision}",
        size(memory.peak),
        size(memory.activations),
        size(memory.moments + memory.average),
        size(found.data_bytes),
        f"{found.step_s:.3f} s" if found.step_s is not None else found.why_not_measured,
        duration(found.total_s) if found.total_s is not None else "",
    ]


def millions(count: int) -> str:
    """A count of weights."""
    return f"{count / 1e6:.2f} M"


def size(n_bytes: int) -> str:
    """Bytes in MiB or GiB."""
    return f"{n_bytes / GIB:.2f} GiB" if n_bytes >= GIB else f"{n_bytes / MIB:.1f} MiB"


def duration(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
