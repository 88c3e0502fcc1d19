"""`mu0 tau0 show FOLDER`: what τ0 learns from, as a table, as a batch, or as branches side by side."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from mu0.errors import DatasetError

PICTURES = (".png", ".jpg")


def register(app: typer.Typer, people_errors: Callable[[Callable[..., None]], Callable[..., Any]]) -> None:
    """Add the command to the application."""
    tau0 = typer.Typer(no_args_is_help=True, help="τ0, the world model of pictures, actions and progress.")
    tau0.command()(people_errors(show))
    tau0.callback()(_about)
    app.add_typer(tau0, name="tau0")


def _about() -> None:
    """τ0, the world model of pictures, actions and progress."""


def show(
    folder: Annotated[Path, typer.Argument(help="What the stage tau0_data wrote, such as data/tau0_data.")],
    group: Annotated[
        int | None, typer.Option(min=0, help="Draw this group of branches, with its progress.")
    ] = None,
    out: Annotated[Path, typer.Option(help="A .png or .jpg for the group.")] = Path(
        "outputs/tau0/branches.png"
    ),
    batch: Annotated[
        int | None, typer.Option(min=0, help="Say which windows the training batch of this step holds.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, val or test; for --batch.")] = "train",
    seed: Annotated[int, typer.Option(min=0, help="Of the training; for --batch.")] = 0,
) -> None:
    """Show the data of τ0: how many recordings of each kind, one batch, or one group of branches."""
    if group is not None:
        _draw(folder, group, out)
    elif batch is not None:
        _tell_batch(folder, split, seed, batch)
    else:
        _tell(folder)


def _draw(folder: Path, group: int, out: Path) -> None:
    from mu0.cli.place import place_for
    from mu0.files import atomic_file
    from mu0.tau0.data.panels import draw_group

    if out.suffix.lower() not in PICTURES:
        raise DatasetError(
            f"--out {out} is no picture.",
            expected=f"one of {', '.join(PICTURES)}",
            remedy="call it branches.png.",
        )
    with place_for(out.parent), atomic_file(out) as temporary:
        told = draw_group(folder, group, temporary)
    typer.echo(f"{told['scene_id']} ({told['split']}), branches from {told['start_s']:.1f} s")
    for chunk, (hand_cm, thing_cm) in told["end_gap_cm"].items():
        typer.echo(
            f"  {chunk:<13} hand ends {hand_cm:5.1f} cm, thing {thing_cm:5.1f} cm from the demonstration"
        )
    typer.echo(f"{out.resolve()}")


def _tell(folder: Path) -> None:
    from mu0.cli.tables import print_table
    from mu0.tau0.data.collect import read_tables

    rows = read_tables(folder).recordings
    counts = rows.groupby(["kind", "task", "fault", "split"]).agg(
        recordings=("n_frames", "size"), frames=("n_frames", "sum"), success=("success", "mean")
    )
    print_table(
        ("kind", "task", "fault", "split", "recordings", "frames", "success"),
        [
            (*map(str, key), str(row["recordings"]), str(row["frames"]), f"{row['success']:.2f}")
            for key, row in zip(counts.index, counts.to_dict("records"), strict=True)
        ],
        title=f"{rows['scene_id'].nunique()} scenes",
    )


def _tell_batch(folder: Path, split: str, seed: int, step: int) -> None:
    from mu0.cli.tables import print_table
    from mu0.dataset.splits import SPLITS
    from mu0.tau0.data.mixture import Mixture
    from mu0.tau0.data.windows import Tau0Windows

    names = {str(name): name for name in SPLITS}
    if split not in names:
        raise DatasetError(
            f"There is no split {split!r}.",
            expected=f"one of {', '.join(names)}",
            remedy="choose one of them.",
        )
    windows = Tau0Windows(folder, names[split])
    rows = []
    for drawn in Mixture(windows).draw(seed, step):
        window = windows.window(drawn.key)
        facts = window.supervised
        rows.append(
            (
                drawn.mode, window.kind, window.scene_id, str(drawn.key.start), "+".join(facts.views),
                f"{facts.cloned:g}", str(facts.conditions), str(facts.progress),
                f"{window.is_frame_real.sum()}/{len(window.is_frame_real)}",
            )
        )  # fmt: skip
    columns = ("mode", "kind", "scene", "start", "views", "cloned", "conditions", "progress", "real frames")
    print_table(columns, rows, title=f"step {step}, seed {seed}, {split}")
