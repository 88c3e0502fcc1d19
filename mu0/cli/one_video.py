"""Commands about one video or one episode, outside the chain."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from mu0.params.extract import ExtractParams


def extract_one(video: Path, out: Path, text: str, *, mode: str = "", stride: int = 0) -> None:
    """Extract a single video, frame folder or RGB-D folder into `out/<name>`.

    Args:
        video: What to extract.
        out: Folder for the episode.
        text: What happens in the video.
        mode: "traceextract", "traceforge" (written in TraceForge's layout), or empty: as params.yaml says.
        stride: Every so many frames own traces; 0: as params.yaml says.

    Raises:
        SourceError: It cannot be read.
        ExtractionError: It cannot become an episode.
        ParamsError: The mode does not exist.
    """
    import shutil
    import tempfile
    from contextlib import ExitStack
    from dataclasses import replace

    from mu0.episodes.layouts.convert import convert_episode
    from mu0.errors import ExtractionError
    from mu0.sources.files import FileItem, write_item
    from mu0.traceextract.engine import EPISODE_NAME, extract_episode

    params = _params(mode, stride)
    if video.name in {"", ".."}:  # `.` and `..` would name other folders than out / name
        video = video.resolve()
    name = video.stem
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        clip = write_item(FileItem(name, video), Path(scratch) / name, "command_line", params.target_fps_hz)
        if text:
            clip = replace(clip, info=replace(clip.info, instruction=text))
        out.mkdir(parents=True, exist_ok=True)
        stack.callback(_remove_if_empty, out)
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".extract.", dir=out)))
        quality = extract_episode(clip, params, work)
        if quality["status"] != "ok":
            raise ExtractionError(
                f"{video} gives no traces: {quality['reason']}.",
                expected="a video in which something moves and can be followed",
                remedy="film the movement closer or longer, or lower extract.movement_m and "
                "extract.movement_share in params.yaml.",
            )
        goal = out / name
        if params.mode == "traceforge":
            convert_episode(work / EPISODE_NAME, "official", goal, "traceforge")
        else:
            if goal.exists():
                shutil.rmtree(goal)
            (work / EPISODE_NAME).replace(goal)
    typer.secho(str(goal), bold=True)
    for key, value in quality.items():
        typer.echo(f"  {key:<32} {value}")
    typer.echo(f"Check it:  mu0 validate {goal}")
    if params.mode == "traceextract":
        typer.echo(f"Look at it:  mu0 view {goal}")


def _params(mode: str, stride: int) -> "ExtractParams":
    from mu0.errors import ParamsError
    from mu0.params import load_params, params_path
    from mu0.params.extract import MODES, ExtractParams

    base = load_params().extract if params_path.exists() else ExtractParams()
    if mode and mode not in MODES:
        raise ParamsError(
            f"There is no mode {mode!r}.", expected=f"one of {', '.join(MODES)}", remedy="correct --mode."
        )
    chosen: dict[str, object] = {"mode": mode} if mode else {}
    return base.model_copy(update=chosen | ({"anchor_stride": stride} if stride else {}))


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
