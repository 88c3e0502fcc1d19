"""What a run will do and how long that takes, told before it starts: `mu0 run` and `mu0 run --dry-run`."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer

from assets_defs.chain import PIPELINE
from mu0.errors import StageError
from orchestration.cli.environment import environment
from orchestration.progress.costs import sources_that_cannot_be_foreseen
from orchestration.progress.forecast import Forecast, minutes
from orchestration.progress.plan import Plan, asked_for, make_plan, will_run
from orchestration.running.child import run_child


def foresee(targets: Sequence[str], params: Any, *, force: bool) -> tuple[Plan, Forecast]:
    """Ask DVC what is out of date, and the machine how long that takes.

    Raises:
        StageError: DVC cannot tell.
        Interrupted: This process was asked to stop.
    """
    stages = asked_for(PIPELINE, targets)
    running = stages if force else will_run(PIPELINE, stages, _changed())
    return make_plan(stages, running, params, environment())


def _changed() -> set[str]:
    lines: list[str] = []
    command = [sys.executable, "-m", "orchestration.running.dvc", "status", "--json", PIPELINE.dvc_yaml]
    code = run_child(command, environment(), on_line=lines.append)
    start = next((number for number, line in enumerate(lines) if line.startswith("{")), None)
    if code or start is None:
        raise StageError(
            f"DVC cannot tell what is out of date (dvc status left with {code}).",
            expected="a dvc.yaml and a dvc.lock that belong together",
            remedy="read the message above.",
        )
    return {name.rpartition(":")[2] for name in json.loads("\n".join(lines[start:]))}


def tell(plan: Plan, expected: Forecast, params: Any) -> None:
    """One line, and what it leaves out."""
    n_running, n_all = len(plan.seconds), len(plan.stages)
    if not n_running:
        typer.echo(f"All {n_all} stages are up to date.")
        return
    done = f"{n_all - n_running} of {n_all} stages are up to date, " if n_running < n_all else ""
    typer.secho(f"{done}{n_running} to run: {expected}.", bold=True)
    unknown = sources_that_cannot_be_foreseen(params)
    if unknown and "raw_videos" in plan.seconds and expected.source != "earlier runs":
        typer.echo(
            f"Not counted: the clips of {', '.join(unknown)}, which nobody knows before they are read."
        )


def tell_stages(plan: Plan) -> None:
    """One line per stage."""
    for number, name in enumerate(plan.stages, 1):
        seconds = plan.seconds.get(name)
        what = "up to date" if seconds is None else minutes(plan.low * seconds, plan.high * seconds)
        typer.echo(f"[{number}/{len(plan.stages)}] {name:<24} {what}")
