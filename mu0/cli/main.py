"""The commands of the library: they take paths and know no project, no chain and no registry.

`orchestration.cli.main` adds the commands of the workflow to them, and both are what `mu0` runs. Commands
import what they need when they run, so that `mu0 --help` answers at once. Errors for people (`Mu0Error`)
become a message and exit code 1.
"""

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Annotated, NoReturn, ParamSpec

import typer

from mu0.cli import demos, interchange, learn, predict, simulate, suite, tau0
from mu0.errors import Mu0Error, SourceError
from mu0.processes.ancestors import end_with_ancestors
from mu0.processes.interruption import exit_code_of, interruptible
from mu0.system_errors import leave_if_nobody_reads, told

INTERRUPTED = "\nInterrupted. Finished work is kept; the same command goes on from here."

P = ParamSpec("P")
ParamsOption = Annotated[
    Path | None, typer.Option("--params", help="A file with params; params.yaml where there is one.")
]


def people_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Show a `Mu0Error` or an error of the system as text and leave with 1; Ctrl-C: 130, SIGTERM: 143."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        end_with_ancestors(os.environ)
        if isinstance(sys.stdout, io.TextIOWrapper):  # names of files may be no text
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            with interruptible():
                command(*args, **kwargs)
        except Mu0Error as error:
            _fail(error)
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                leave_if_nobody_reads()
            _fail(told(error, kwargs))
        except KeyboardInterrupt as interruption:
            with suppress(OSError):  # the terminal may be gone
                typer.secho(INTERRUPTED, err=True)
            sys.exit(exit_code_of(interruption))

    return wrapped


def _fail(error: Mu0Error) -> NoReturn:
    typer.secho(f"{type(error).__name__}: {error}", fg=typer.colors.RED, err=True)
    sys.exit(1)


def new_app() -> typer.Typer:
    """`mu0` without commands."""
    return typer.Typer(
        name="mu0",
        help="From videos to a working robot policy, reproducibly.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )


def add_library_commands(app: typer.Typer, extract_everything: Callable[[], None]) -> None:
    """Add every command of the library.

    Args:
        app: Where to.
        extract_everything: What `mu0 extract` does without a video.
    """
    for command in (extract_with(extract_everything), validate, convert, estimate, view):
        app.command()(people_errors(command))
    interchange.register(app, people_errors)
    demos.register(app, people_errors)
    predict.register(app, people_errors)
    learn.register(app, people_errors)
    simulate.register(app, people_errors)
    suite.register(app, people_errors)
    tau0.register(app, people_errors)


def no_project() -> None:
    """`mu0 extract` where only the library is."""
    raise SourceError(
        "No video was named.",
        expected="a video file, folder of frames or RGB-D folder",
        remedy="run `mu0 extract my_clip.mp4`.",
    )


def extract_with(extract_everything: Callable[[], None]) -> Callable[..., None]:
    """The command `extract`, and what it does without a video."""

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
        params: ParamsOption = None,
    ) -> None:
        """Turn videos into episodes of 3D traces: one video, or all sources in params.yaml."""
        if video is None:
            extract_everything()
            return
        from mu0.cli.one_video import extract_one

        extract_one(video, out, text, mode=mode, stride=stride, params_file=params)

    return extract


def validate(
    folder: Annotated[Path, typer.Argument(help="An episode, or a folder of episodes, of any layout.")],
    index: Annotated[
        Path | None, typer.Option(help="Also write a table of the episodes, .parquet or .csv.")
    ] = None,
) -> None:
    """Check episodes against their format; names the exact file and field at fault."""
    from mu0.cli.validate import validate_folder

    validate_folder(folder, index)


def convert(
    source: Annotated[Path, typer.Argument(help="An episode, or a folder of episodes, of any layout.")],
    goal: Annotated[Path, typer.Argument(help="Where the same tree appears in the new layout.")],
    to: Annotated[str, typer.Option(help="official, legacy or traceforge")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what lies there.")] = False,
) -> None:
    """Convert episodes between layouts; says what the new layout cannot hold."""
    from mu0.cli.convert import convert_folder

    convert_folder(source, goal, to, overwrite=overwrite)


def estimate(
    presets: Annotated[
        list[str] | None,
        typer.Argument(help="tiny, small, base, paper; all when empty. Experts are not that tiny."),
    ] = None,
    no_measure: Annotated[bool, typer.Option("--no-measure", help="Do not run steps for the time.")] = False,
    experts: Annotated[
        bool, typer.Option("--experts", help="Of action experts instead, every variant.")
    ] = False,
    params: ParamsOption = None,
) -> None:
    """Say what training takes, before it starts: weights, memory, time; of the world model, or of experts."""
    if experts:
        from mu0.cli.estimate_experts import show_expert_estimates

        show_expert_estimates(presets or [], params, measured=not no_measure)
        return
    from mu0.cli.estimate import show_estimates

    show_estimates(presets or [], params, measured=not no_measure)


def view(
    episode: Annotated[Path, typer.Argument(help="An episode folder, or SOURCE/CLIP_ID of the project.")],
    out: Annotated[Path, typer.Option(help="Folder for the files, or an .html file.")] = Path("outputs/view"),
    episodes: Annotated[Path, typer.Option(help="Where SOURCE/CLIP_ID are.")] = Path("data/extracted_traces"),
    anchor: Annotated[int | None, typer.Option(help="Anchor frame to begin with.")] = None,
    rrd: Annotated[bool, typer.Option("--rrd", help="Also write a recording for Rerun.")] = False,
    video: Annotated[bool, typer.Option("--video", help="Also write a video with the tracks.")] = False,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not show the page in a browser.")] = False,
) -> None:
    """Look at an episode: an interactive 3D page in one file; also a Rerun recording or a video."""
    from mu0.cli.view import view_episode

    view_episode(episode, out, episodes, anchor=anchor, recording=rrd, video=video, opens=not no_open)


app = new_app()
add_library_commands(app, no_project)
