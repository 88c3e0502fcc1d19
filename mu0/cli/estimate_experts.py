"""`mu0 estimate --experts`: weights, memory and time of action experts that were not trained yet."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import typer

from mu0.cli.estimate import duration, millions, size
from mu0.cli.sections import find_section
from mu0.cli.tables import print_table
from mu0.errors import ParamsError
from mu0.params.action_expert import ActionExpertParams, SizeName
from mu0.policy.action_expert import Variant
from mu0.policy.expert_estimate import ExpertEstimate, estimate_expert

COLUMNS = (
    "size", "variant", "sizes of μ0", "trainable", "weights, gradients, optimizer, average", "rows", "step",
    "whole training",
)  # fmt: skip
STEPS = 1000  # of sizes that params.yaml does not train


def show_expert_estimates(names: Sequence[str], params_file: Path | None = None, *, measured: bool) -> None:
    """Print a line for each size and variant; the size in the params file as that file trains it.

    Raises:
        ParamsError: There is no such size.
    """
    chosen = find_section(params_file, "action_expert", ActionExpertParams)
    unknown = sorted(set(names) - set(get_args(SizeName)))
    if unknown:
        raise ParamsError(
            f"Action experts have no size {', '.join(unknown)}.",
            expected=f"one of {', '.join(get_args(SizeName))}",
            remedy="run `mu0 estimate --experts small`.",
        )
    rows = []
    for name in names or get_args(SizeName):
        params = chosen if chosen and name == chosen.size else _defaults(name)
        for variant in get_args(Variant):
            typer.echo(f"estimating {name} {variant} …", err=True)
            rows.append(_row(variant, params, estimate_expert(variant, params, measured=measured)))
    print_table(COLUMNS, rows)
    typer.echo("What a batch takes, and the frozen μ0 while features are taken, come on top of the memory.")


def _defaults(name: str) -> ActionExpertParams:
    return ActionExpertParams.model_validate({"size": name, "steps": STEPS})


def _row(variant: str, params: ActionExpertParams, found: ExpertEstimate) -> list[str]:
    return [
        params.size,
        variant,
        found.world_model,
        millions(found.n_trainable),
        size(found.state_bytes),
        f"{params.batch_size} x {params.noise_draws}",
        f"{found.step_s:.3f} s" if found.step_s is not None else found.why_not_measured,
        duration(found.total_s) if found.total_s is not None else "",
    ]
