"""Commands about one video or one episode, outside the chain."""

from pathlib import Path

import typer

from mu0.errors import EpisodeError


def extract_one(video: Path, out: Path, text: str) -> None:
    """Extract a single video, frame folder or RGB-D folder into `out/<name>`.

    Raises:
        SourceError: It cannot be read.
        ExtractionError: It cannot become an episode.
    """
    import tempfile
    from dataclasses import replace

    from mu0.episodes.write import write_episode
    from mu0.errors import ExtractionError
    from mu0.params import load_params, params_path
    from mu0.params.extract import ExtractParams
    from mu0.sources.files import FileItem, write_item
    from mu0.traceextract.engine import extract_clip

    params = load_params().extract if params_path.exists() else ExtractParams()
    with tempfile.TemporaryDirectory() as scratch:
        clip = write_item(
            FileItem(video.stem, video), Path(scratch) / video.stem, "command_line", params.target_fps_hz
        )
        if text:
            clip = replace(clip, info=replace(clip.info, instruction=text))
        arrays, sidecar, quality = extract_clip(clip, params)
        if quality["status"] != "ok":
            raise ExtractionError(
                f"{video} gives no traces: {quality['reason']}.",
                expected="a video in which something moves and can be followed",
                remedy="film the movement closer or longer, or lower extract.movement_m and "
                "extract.movement_share in params.yaml.",
            )
        goal = out / video.stem
        write_episode(goal, arrays, sidecar)
    typer.secho(str(goal), bold=True)
    for name, value in quality.items():
        typer.echo(f"  {name:<32} {value}")
    typer.echo(f"Look at it:  mu0 view {goal}")


def validate_folder(folder: Path) -> None:
    """Validate one episode, or every episode below a folder.

    Raises:
        EpisodeError: There is none, or some break the format.
    """
    from mu0.episodes.read import list_episodes
    from mu0.episodes.validate import validate_episode

    episodes = [folder] if (folder / "images.npy").exists() else list_episodes(folder)
    if not episodes:
        raise EpisodeError(
            f"There is no episode in {folder}.",
            expected="a folder with images.npy, or folders of them",
            remedy="check the path.",
        )
    broken = 0
    for episode in episodes:
        violations = validate_episode(episode)
        broken += bool(violations)
        for violation in violations:
            typer.secho(f"{episode}: {violation}", fg=typer.colors.RED)
    if broken:
        raise EpisodeError(
            f"{broken} of {len(episodes)} episodes break the format.",
            expected="the TraceExtract format (docs/conventions.md)",
            remedy="mend the fields named above, or extract again.",
        )
    typer.secho(f"{len(episodes)} episode(s), all valid.", fg=typer.colors.GREEN)


def view_episode(folder: Path, out: Path) -> None:
    """Write the interactive page of an episode."""
    from mu0.viewer.episode import write_episode_page

    page = out / f"{folder.name}.html"
    write_episode_page(folder, page)
    typer.echo(str(page.resolve()))
