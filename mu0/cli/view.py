"""`mu0 view`: an episode as a page, as a recording for Rerun, and as a video."""

import sys
import webbrowser
from pathlib import Path

import typer

from mu0.errors import EpisodeError
from mu0.files import short_name

CAPTIONS = "captions"  # called so, beside the folder of episodes, in a project

MOST_NAME_BYTES = 200  # of a page, beside which files with other endings lie


def find_episode(name: Path, episodes: Path) -> Path:
    """The folder of an episode: a path, or `<source>/<clip_id>` below `episodes`.

    Raises:
        EpisodeError: There is neither.
    """
    for folder in (name, episodes / name):
        if (folder / "images.npy").is_file():
            return folder
    if (name / "images").is_dir() or (episodes / name / "images").is_dir():
        remedy = "it seems to be in the legacy per-frame layout: `mu0 convert` it first."
    elif known := sorted(path.parent.name for path in (episodes / name.parent).glob("*/images.npy")):
        remedy = f"try one of its neighbours, such as {name.parent / known[0]}."
    else:
        remedy = "give the folder that holds images.npy, or run `mu0 extract` first."
    raise EpisodeError(
        f"There is no episode {name}.",
        expected=f"an episode folder, or <source>/<clip_id> below {episodes}",
        remedy=remedy,
    )


def captions_of(folder: Path) -> Path | None:
    """Where the captions of an episode of a project lie; None outside a project."""
    place = folder.resolve()
    candidate = place.parents[2] / CAPTIONS / place.parent.name / place.name
    return candidate if candidate.is_dir() else None


def page_of(folder: Path, out: Path) -> Path:
    """Where the page of an episode goes; its name is that of the episode, as far as it can be one."""
    if out.suffix == ".html":
        return out
    place = folder.resolve()
    return out / short_name(f"{place.parent.name}__{place.name}.html", MOST_NAME_BYTES)


def view_episode(
    name: Path, out: Path, episodes: Path, *, anchor: int | None, recording: bool, video: bool, opens: bool
) -> None:
    """Write what was asked for and print the paths.

    Args:
        name: Episode folder or `<source>/<clip_id>`.
        out: Folder for the files, or the page itself if it ends in .html.
        episodes: Where `<source>/<clip_id>` are.
        anchor: Frame to begin with.
        recording: Also write an .rrd file for Rerun.
        video: Also write a debug video.
        opens: Show the page in a browser, if a person sits there.

    Raises:
        EpisodeError: The episode is missing or damaged or has no traces, or rerun-sdk is not installed.
    """
    from mu0.viewer.episode.page import write_episode_page

    folder = find_episode(name, episodes)
    captions = captions_of(folder)
    page = page_of(folder, out)
    write_episode_page(folder, page, captions, anchor=anchor)
    _tell(page)
    if recording:
        from mu0.viewer.episode.rerun_recording import write_recording

        write_recording(folder, page.with_suffix(".rrd"), captions)
        _tell(page.with_suffix(".rrd"))
    if video:
        from mu0.viewer.episode.debug_video import write_debug_video

        write_debug_video(folder, page.with_suffix(".mp4"), captions)
        _tell(page.with_suffix(".mp4"))
    if opens and sys.stdout.isatty():
        webbrowser.open(page.resolve().as_uri())


def _tell(path: Path) -> None:
    typer.echo(f"{path.resolve()}  ({path.stat().st_size / 1e6:.1f} MB)")
