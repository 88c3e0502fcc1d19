"""Commands about one video or one episode, outside the chain."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mu0.cli.place import place_for
from mu0.cli.sections import find_section

if TYPE_CHECKING:
    from mu0.params.extract import ExtractParams
    from mu0.sources.clip.on_disk import Clip, ClipInfo
    from mu0.sources.own_files.reader import FileItem

MOST_NAME_BYTES = 240  # of an episode's folder; 255 is what file systems take


def extract_one(
    video: Path, out: Path, text: str, *, mode: str = "", stride: int = 0, params_file: Path | None = None
) -> None:
    """Extract a single video, frame folder or RGB-D folder into `out/<name>`.

    Args:
        video: What to extract.
        out: Folder for the episode.
        text: What happens in the video.
        mode: "traceextract", "traceforge" (written in TraceForge's layout), or empty: as params.yaml says.
        stride: Every so many frames own traces; 0: as params.yaml says.
        params_file: Whose section `extract` counts; None: params.yaml where there is one.

    Raises:
        SourceError: It cannot be read.
        ExtractionError: It cannot become an episode.
        EpisodeError: Something that is no episode lies where the episode should go.
        ParamsError: The mode does not exist.
    """
    import shutil
    import tempfile
    from contextlib import ExitStack

    from mu0.episodes.layouts.convert import convert_episode
    from mu0.errors import ExtractionError
    from mu0.traceextract.engine import EPISODE_NAME, extract_episode

    params = _params(mode, stride, params_file)
    if video.name in {"", ".."}:  # `.` and `..` would name other folders than out / name
        video = video.resolve()
    item = _one_item(video)
    goal = out / _name_of(video)
    _require_replaceable(goal)
    with ExitStack() as stack:
        stack.enter_context(place_for(out))
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        clip = _clip_of(item, Path(scratch) / goal.name, params.target_fps_hz, text)
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".extract.", dir=out)))
        quality = extract_episode(clip, params, work)
        if quality["status"] != "ok":
            raise ExtractionError(
                f"{video} gives no traces: {quality['reason']}.",
                expected="a video in which something moves and can be followed",
                remedy="film the movement closer or longer, or lower extract.movement_m and "
                "extract.movement_share in params.yaml.",
            )
        if params.mode == "traceforge":
            convert_episode(work / EPISODE_NAME, "official", goal, "traceforge")
        else:
            if goal.exists():
                shutil.rmtree(goal)
            (work / EPISODE_NAME).replace(goal)
    _tell(goal, quality, clip.info)
    _tell_what_next(goal, params.mode)


def _name_of(video: Path) -> str:
    """The episode's name: the video's, as far as it is text and short enough."""
    from mu0.files import short_name

    return short_name(video.stem.encode(errors="backslashreplace").decode(), MOST_NAME_BYTES)


def _clip_of(item: "FileItem", folder: Path, frame_rate_hz: float, text: str) -> "Clip":
    from dataclasses import replace

    from mu0.sources.faults import READING, fault_of
    from mu0.sources.own_files.reader import write_item
    from mu0.text_files import typed_text

    try:
        clip = write_item(item, folder, "command_line", frame_rate_hz)
    except READING as error:
        raise fault_of(error, item.path) from error
    told = typed_text(text)
    return replace(clip, info=replace(clip.info, instruction=told)) if told else clip


def _tell_what_next(goal: Path, mode: str) -> None:
    typer.echo(f"Check it:  mu0 validate {shlex.quote(str(goal))}")
    if mode == "traceextract":
        typer.echo(f"Look at it:  mu0 view {shlex.quote(str(goal))}")


def _one_item(video: Path) -> "FileItem":
    """What to extract; a folder of several videos is not one of them."""
    from mu0.errors import SourceError
    from mu0.file_content import why_no_file
    from mu0.sources.own_files.frame_folders import read_frame_folder
    from mu0.sources.own_files.reader import FileItem, find_items

    expected = "one video file, folder of frames or RGB-D folder"
    if not video.exists():
        found = f"{video} {why_no_file(video)}" if video.is_symlink() else f"There is no video {video}"
        raise SourceError(f"{found}.", expected=expected, remedy="check the path.")
    if video.is_dir() and read_frame_folder(video) is None:
        inside = [item.path for item in find_items(video) if item.fault is None]
        found = f"{len(inside)} videos, the first is {inside[0]}" if inside else "no frames and no videos"
        raise SourceError(
            f"{video} is not one clip: it holds {found}.",
            expected=expected,
            remedy="name one of them; for a whole folder or dataset add a source to params.yaml "
            "(docs/sources.md) and run `mu0 extract` without a path.",
        )
    return FileItem(_name_of(video), video)


def _require_replaceable(goal: Path) -> None:
    """Only an earlier episode may be replaced: never a folder of somebody's videos or frames."""
    from mu0.episodes.layouts.kinds import layout_of
    from mu0.errors import EpisodeError

    if goal.exists() and not (goal.is_dir() and (layout_of(goal) is not None or not any(goal.iterdir()))):
        raise EpisodeError(
            f"{goal} is there already and is not an episode.",
            expected="a free place, or an earlier episode to replace",
            remedy="choose another folder with --out.",
        )


def _tell(goal: Path, quality: dict[str, object], info: "ClipInfo") -> None:
    typer.secho(str(goal), bold=True)
    for key, value in quality.items():
        text = _shown(value)
        if text:
            typer.echo(f"  {key:<32} {text}")
    chosen, kept = quality.get("n_points_in"), quality.get("n_points_out")
    if isinstance(chosen, int) and isinstance(kept, int) and 2 * kept < chosen:
        message = f"{chosen - kept} of {chosen} points were lost: look whether what moves has traces at all."
        typer.secho(message, fg=typer.colors.YELLOW)
    if info.has_depth and not info.has_intrinsics:
        typer.echo(
            "For 3-D traces tell the camera: camera.json with fx, fy, cx, cy in the folder (docs/sources.md)."
        )


def _shown(value: object) -> str:
    """A measurement for people; empty where nothing was measured."""
    if value is None:
        return ""
    if isinstance(value, dict):
        parts = ((key, _shown(inner)) for key, inner in value.items())
        return ", ".join(f"{key} ({text})" if "," in text else f"{key} {text}" for key, text in parts if text)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _params(mode: str, stride: int, params_file: Path | None) -> "ExtractParams":
    from mu0.errors import ParamsError
    from mu0.params.extract import MODES, ExtractParams

    base = find_section(params_file, "extract", ExtractParams) or ExtractParams()
    if mode and mode not in MODES:
        raise ParamsError(
            f"There is no mode {mode!r}.", expected=f"one of {', '.join(MODES)}", remedy="correct --mode."
        )
    chosen: dict[str, object] = {"mode": mode} if mode else {}
    return base.model_copy(update=chosen | ({"anchor_stride": stride} if stride else {}))
