"""The `mu0` command.

Commands import what they need when they run, so that `mu0 --help` answers at once. Errors for people
(`Mu0Error`) become a message and exit code 1.
"""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from mu0.cli import benchmark, interchange, predict
from mu0.errors import Mu0Error

app = typer.Typer(
    name="mu0",
    help="From videos to a working robot policy, reproducibly.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
profile_app = typer.Typer(help="Choose the size of the run: smoke, small or paper.", no_args_is_help=True)
app.add_typer(profile_app, name="profile")

P = ParamSpec("P")


def people_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Show a `Mu0Error` as text and leave with 1; leave with 130 on Ctrl-C."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except Mu0Error as error:
            typer.secho(f"{type(error).__name__}: {error}", fg=typer.colors.RED, err=True)
            sys.exit(1)
        except KeyboardInterrupt:
            typer.secho("\nInterrupted. Finished work is kept; the same command goes on from here.", err=True)
            sys.exit(130)

    return wrapped


@app.command()
@people_errors
def run(
    stages: Annotated[
        list[str] | None, typer.Argument(help="Stages to bring up to date; all when empty.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Run them even when nothing changed.")] = False,
) -> None:
    """Bring the whole chain up to date (the same as `dvc repro`), from videos to the report."""
    from mu0.cli.chain import bring_up_to_date, tell_where_things_are

    bring_up_to_date(stages or [], force=force)
    tell_where_things_are()


@app.command()
@people_errors
def extract(
    video: Annotated[
        Path | None, typer.Argument(help="A video, frame folder or RGB-D folder; none: the chain.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the episode goes.")] = Path("outputs/extract"),
    text: Annotated[str, typer.Option(help="What happens in the video.")] = "",
    mode: Annotated[
        str, typer.Option(help="traceextract, or traceforge: a 20 x 20 grid in TraceForge's layout.")
    ] = "",
    stride: Annotated[int, typer.Option(min=0, help="Every n-th frame owns traces; 0: params.yaml.")] = 0,
) -> None:
    """Turn videos into episodes of 3D traces: one video, or all sources in params.yaml."""
    if video is None:
        from mu0.cli.chain import bring_up_to_date

        bring_up_to_date(["check_extracted_traces", "check_captions"], force=False)
        return
    from mu0.cli.one_video import extract_one

    extract_one(video, out, text, mode=mode, stride=stride)


@app.command()
@people_errors
def validate(
    folder: Annotated[Path, typer.Argument(help="An episode, or a folder of episodes, of any layout.")],
    index: Annotated[
        Path | None, typer.Option(help="Also write a table of the episodes, .parquet or .csv.")
    ] = None,
) -> None:
    """Check episodes against their format; names the exact file and field at fault."""
    from mu0.cli.validate import validate_folder

    validate_folder(folder, index)


@app.command()
@people_errors
def convert(
    source: Annotated[Path, typer.Argument(help="An episode, or a folder of episodes, of any layout.")],
    goal: Annotated[Path, typer.Argument(help="Where the same tree appears in the new layout.")],
    to: Annotated[str, typer.Option(help="official, legacy or traceforge")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what lies there.")] = False,
) -> None:
    """Convert episodes between layouts; says what the new layout cannot hold."""
    from mu0.cli.convert import convert_folder

    convert_folder(source, goal, to, overwrite=overwrite)


@app.command()
@people_errors
def train(
    what: Annotated[str, typer.Argument(help="world_model, action_experts or all")] = "all",
) -> None:
    """Train what is out of date; goes on from the last checkpoint after an interruption."""
    from mu0.cli.chain import bring_up_to_date, training_stages

    bring_up_to_date(training_stages(what), force=False)


@app.command()
@people_errors
def estimate(
    presets: Annotated[
        list[str] | None, typer.Argument(help="tiny, small, base, paper; all when empty.")
    ] = None,
    no_measure: Annotated[bool, typer.Option("--no-measure", help="Do not run steps for the time.")] = False,
) -> None:
    """Say what training the world model takes, before it starts: weights, memory, time."""
    from mu0.cli.estimate import show_estimates

    show_estimates(presets or [], measured=not no_measure)


@app.command()
@people_errors
def evaluate() -> None:
    """Measure traces and rollouts, and show the numbers."""
    from mu0.cli.chain import bring_up_to_date, show_numbers

    bring_up_to_date(["trace_audit", "check_trace_report", "check_ur3_report"], force=False)
    show_numbers()


@app.command()
@people_errors
def promote(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
) -> None:
    """Register the trained models and move `champion` when every gate passes."""
    from mu0.cli.registry import promote_models

    promote_models(dry_run=dry_run)


@app.command()
@people_errors
def sync() -> None:
    """Tell Dagster what DVC made elsewhere, so that its UI is fresh."""
    from mu0.cli.chain import sync_with_dagster

    sync_with_dagster()


@app.command()
@people_errors
def view(
    episode: Annotated[Path, typer.Argument(help="An episode folder, or SOURCE/CLIP_ID of the project.")],
    out: Annotated[Path, typer.Option(help="Folder for the files, or an .html file.")] = Path("outputs/view"),
    anchor: Annotated[int | None, typer.Option(help="Anchor frame to begin with.")] = None,
    rrd: Annotated[bool, typer.Option("--rrd", help="Also write a recording for Rerun.")] = False,
    video: Annotated[bool, typer.Option("--video", help="Also write a video with the tracks.")] = False,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not show the page in a browser.")] = False,
) -> None:
    """Look at an episode: an interactive 3D page in one file; also a Rerun recording or a video."""
    from mu0.cli.view import view_episode

    view_episode(episode, out, anchor=anchor, recording=rrd, video=video, opens=not no_open)


@app.command()
@people_errors
def doctor() -> None:
    """Say what this machine can do and what is missing."""
    from mu0.cli.doctor import examine

    if not examine():
        sys.exit(1)


@app.command("dvc-yaml")
@people_errors
def dvc_yaml(
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is current.")] = False,
) -> None:
    """Write dvc.yaml from the stage graph in mu0/pipeline.py."""
    from mu0.cli.chain import render

    render(check=check)


@profile_app.command("use")
@people_errors
def profile_use(name: Annotated[str, typer.Argument(help="smoke, small or paper")]) -> None:
    """Make params.yaml a copy of profiles/NAME.yaml."""
    from mu0.cli.profile import use_profile

    use_profile(name)


@profile_app.command("show")
@people_errors
def profile_show() -> None:
    """Say which profile is in use and whether it was changed."""
    from mu0.cli.profile import show_profile

    show_profile()


interchange.register(app, people_errors)
benchmark.register(app, people_errors)
predict.register(app, people_errors)
