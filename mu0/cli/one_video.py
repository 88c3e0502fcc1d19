"""Commands about one video or one episode, outside the chain."""

from pathlib import Path

import typer


def extract_one(video: Path, out: Path, text: str) -> None:
    """Extract a single video, frame folder or RGB-D folder into `out/<name>`.

    Raises:
        SourceError: It cannot be read.
        ExtractionError: It cannot become an episode.
    """
    import shutil
    import tempfile
    from contextlib import ExitStack
    from dataclasses import replace

    from mu0.errors import ExtractionError
    from mu0.params import load_params, params_path
    from mu0.params.extract import ExtractParams
    from mu0.sources.files import FileItem, write_item
    from mu0.traceextract.engine import EPISODE_NAME, extract_episode

    params = load_params().extract if params_path.exists() else ExtractParams()
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        clip = write_item(
            FileItem(video.stem, video), Path(scratch) / video.stem, "command_line", params.target_fps_hz
        )
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
        goal = out / video.stem
        if goal.exists():
            shutil.rmtree(goal)
        (work / EPISODE_NAME).replace(goal)
    typer.secho(str(goal), bold=True)
    for name, value in quality.items():
        typer.echo(f"  {name:<32} {value}")
    typer.echo(f"Look at it:  mu0 view {goal}")
