"""`mu0 import-official` and `mu0 export-official`: checkpoints of the release in, and back out."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer, people_errors: Callable[[Callable[..., None]], Callable[..., Any]]) -> None:
    """Add both commands."""
    app.command("import-official")(people_errors(import_official))
    app.command("export-official")(people_errors(export_official))


def import_official(
    source: Annotated[Path, typer.Argument(help="Official folder: config.json, model.safetensors.")],
    out: Annotated[Path, typer.Argument(help="Where the checkpoint goes, e.g. models/official.")],
    backbone: Annotated[
        Path | None, typer.Option(help="Folder with tokenizer.json and config.json of its SmolVLM2.")
    ] = None,
    statistics: Annotated[
        Path | None, typer.Option(help="normalizer_stats.json, if it is not in the folder or beside it.")
    ] = None,
) -> None:
    """Make a checkpoint of mu0 from an official one, without loss; works offline."""
    from mu0.model.interchange.official import import_official

    _tell(import_official(source, out, backbone, statistics))


def export_official(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint of mu0.")],
    out: Annotated[Path, typer.Argument(help="Where the official folder goes.")],
) -> None:
    """Make an official checkpoint from one of mu0, without loss."""
    from mu0.model.interchange.official import export_official

    _tell(export_official(checkpoint, out))


def _tell(exchanged: Any) -> None:
    millions, megabytes = exchanged.n_parameters / 1e6, exchanged.n_bytes / 1e6
    typer.echo(
        f"{exchanged.folder}: {exchanged.n_tensors} tensors, {millions:.1f} M parameters, {megabytes:.1f} MB"
    )
