"""Commands about one video or one episode, outside the chain."""

from pathlib import Path

import typer


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
