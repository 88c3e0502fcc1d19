"""The command `mu0`: everything of the library, and what drives the chain of this project.

Commands import what they need when they run, so that `mu0 --help` answers at once.
"""

import sys
from typing import Annotated

import typer

from mu0.cli.main import add_library_commands, new_app, people_errors
from orchestration.cli import benchmark

app = new_app()
profile_app = typer.Typer(help="Choose the size of the run: smoke, small or paper.", no_args_is_help=True)
app.add_typer(profile_app, name="profile")


def _extract_everything() -> None:
    from orchestration.cli.chain import bring_up_to_date

    bring_up_to_date(["check_extracted_traces", "check_captions"], force=False)


@app.command()
@people_errors
def run(
    stages: Annotated[
        list[str] | None, typer.Argument(help="Stages to bring up to date; all when empty.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Run them even when nothing changed.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would run, and about how long it takes.")
    ] = False,
) -> None:
    """Bring the whole chain up to date (the same as `dvc repro`), from videos to the report."""
    from orchestration.cli.chain import bring_up_to_date, show_plan, tell_where_things_are

    if dry_run:
        show_plan(stages or [], force=force)
        return
    bring_up_to_date(stages or [], force=force)
    tell_where_things_are()


add_library_commands(app, _extract_everything)


@app.command()
@people_errors
def train(
    what: Annotated[str, typer.Argument(help="world_model, action_experts or all")] = "all",
) -> None:
    """Train what is out of date; goes on from the last checkpoint after an interruption."""
    from orchestration.cli.chain import bring_up_to_date, training_stages

    bring_up_to_date(training_stages(what), force=False)


@app.command()
@people_errors
def evaluate() -> None:
    """Measure traces and rollouts, and show the numbers."""
    from orchestration.cli.chain import bring_up_to_date, show_numbers

    bring_up_to_date(["trace_audit", "check_trace_report", "check_ur3_report"], force=False)
    show_numbers()


@app.command()
@people_errors
def promote(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
) -> None:
    """Register the trained models and move `champion` when every gate passes."""
    from orchestration.cli.registry import promote_models

    promote_models(dry_run=dry_run)


@app.command()
@people_errors
def rollback(
    model: Annotated[
        str | None, typer.Argument(help="world_model, action_expert_ur3_…, or a registered name; none: all.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the registry with your name and the time.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
) -> None:
    """Make the previous champion champion again; once more brings the newer one back."""
    from orchestration.cli.registry import roll_models_back

    roll_models_back(model, dry_run=dry_run, reason=reason)


@app.command()
@people_errors
def verify(
    fix: Annotated[bool, typer.Option("--fix", help="Put right what can be put right safely.")] = False,
) -> None:
    """Re-hash data, models, DVC's cache and the registry's files; says what to do about each difference."""
    from orchestration.cli.verify import verify_everything

    verify_everything(fix=fix)


@app.command()
@people_errors
def sync() -> None:
    """Tell Dagster what DVC made elsewhere, so that its UI is fresh."""
    from orchestration.cli.chain import sync_with_dagster

    sync_with_dagster()


@app.command()
@people_errors
def doctor() -> None:
    """Say what this machine can do and what is missing."""
    from orchestration.cli.doctor import examine

    if not examine():
        sys.exit(1)


@app.command("dvc-yaml")
@people_errors
def dvc_yaml(
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is current.")] = False,
) -> None:
    """Write dvc.yaml from the stage graph in assets_defs/."""
    from orchestration.cli.chain import render

    render(check=check)


@profile_app.command("use")
@people_errors
def profile_use(name: Annotated[str, typer.Argument(help="smoke, small or paper")]) -> None:
    """Make params.yaml a copy of profiles/NAME.yaml."""
    from orchestration.cli.profile import use_profile

    use_profile(name)


@profile_app.command("show")
@people_errors
def profile_show() -> None:
    """Say which profile is in use and whether it was changed."""
    from orchestration.cli.profile import show_profile

    show_profile()


benchmark.register(app, people_errors)
