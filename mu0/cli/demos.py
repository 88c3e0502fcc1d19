"""`mu0 demos`: look after demonstrations, which are LeRobotDatasets of anyone's."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mu0.errors import SourceError

if TYPE_CHECKING:
    from mu0.sources.lerobot.doctor.examine import Examination
    from mu0.sources.lerobot.doctor.findings import Finding
    from mu0.sources.lerobot.doctor.replay import Replay

MAX_ROWS = 500
MAX_EPISODES = 3  # named in a line
Dataset = Annotated[Path, typer.Argument(help="A LeRobotDataset v2.0, v2.1 or v3.0.")]


def register(app: typer.Typer, people_errors: Callable[[Callable[..., None]], Callable[..., Any]]) -> None:
    """Add the group `demos`."""
    demos = typer.Typer(help="Examine, repair and export demonstrations (LeRobot).", no_args_is_help=True)
    app.add_typer(demos, name="demos")
    demos.command()(people_errors(doctor))
    demos.command()(people_errors(export))


def doctor(
    folder: Dataset,
    repair: Annotated[
        Path | None, typer.Option(help="Write what can be used into this new folder, mended.")
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Also run every episode again; our simulator's datasets only.")
    ] = False,
) -> None:
    """Say of each episode what is wrong, where, and what to do; exit code 1 if any is unusable."""
    from mu0.cli.tables import print_table
    from mu0.sources.lerobot.doctor.examine import examine

    examination = examine(folder)
    if replay:
        examination = _replayed(examination)
    findings = examination.findings
    if findings:
        columns = ("episode", "check", "", "found", "expected", "to do")
        print_table(columns, _rows(findings)[:MAX_ROWS])
    n_episodes, unusable = len(examination.layout.episodes), examination.unusable
    counts = Counter(finding.severity for finding in findings)
    told = ", ".join(f"{counts[kind]} {kind}" for kind in ("unusable", "mendable", "notice") if counts[kind])
    typer.echo(f"{folder}: {n_episodes} episodes; {told or 'nothing found'}.")
    if repair is not None:
        _repair(examination, repair)
    if unusable:
        raise SourceError(
            f"{len(unusable)} of {n_episodes} episodes are unusable: {_named(unusable)}.",
            expected="episodes that can be learned from",
            remedy=f"use {repair}, which leaves them out."
            if repair
            else "run it again with `--repair NEW_FOLDER`, which leaves them out.",
        )


def export(
    folder: Dataset,
    out: Annotated[Path, typer.Argument(help="The new folder.")],
    to: Annotated[str, typer.Option(help="v2.1 or v3.0")] = "v2.1",
) -> None:
    """Write a dataset in another version of the format: the same rows, the videos encoded anew."""
    from mu0.sources.lerobot.export import export_dataset

    exported = export_dataset(folder, out, to)
    if exported.features:
        typer.echo(f"left out, for it cannot be written again: {', '.join(exported.features)}")
    for name, fault in exported.faults.items():
        typer.echo(f"left out: {name}: {fault.found}")
    typer.echo(f"{out}: LeRobotDataset {to}, {exported.n_episodes} episodes")


def _replayed(examination: "Examination") -> "Examination":
    """The examination with what the simulator says of the episodes that can be used."""
    from dataclasses import replace

    from mu0.sources.lerobot.doctor.replay import replay_all

    usable = {episode.name for episode in examination.layout.episodes} - set(examination.unusable)
    replays = list(replay_all(examination.layout, usable))
    if replays:
        _tell_replays(replays)
    more = tuple(finding for each in replays for finding in each.findings())
    return replace(examination, findings=(*examination.findings, *more))


def _tell_replays(replays: list["Replay"]) -> None:
    n, worst = len(replays), max(replays, key=lambda each: each.off_cm)
    usual_cm = median([each.off_cm for each in replays])
    typer.echo(
        f"replayed {n} episodes: {sum(each.ends_well == each.label for each in replays)} end as labelled by "
        f"their commands, {sum(each.actions_end_well == each.label for each in replays)} by their actions; "
        f"{sum(each.is_equal for each in replays)} bit-equal, off by {usual_cm:.2g} cm in the "
        f"median and {worst.off_cm:.2g} cm in the worst ({worst.name})"
    )


def _repair(examination: "Examination", goal: Path) -> None:
    from mu0.sources.lerobot.doctor.repair import RECORD, repair

    done = repair(examination, goal)
    if done.features:
        typer.echo(f"features left out, for they cannot be written again: {', '.join(done.features)}")
    typer.echo(
        f"{goal}: {done.n_episodes} episodes kept, {len(done.cut)} of them cut, {len(done.left_out)} left "
        f"out; {goal / RECORD} lists them"
    )


def _rows(findings: tuple["Finding", ...]) -> list[tuple[str, ...]]:
    """A line per finding; where many episodes have the same, one line names them."""
    where: dict[tuple[str, ...], list[str]] = {}
    for finding in findings:
        key = (finding.check, finding.severity, finding.found, finding.expected, finding.remedy)
        where.setdefault(key, []).append(finding.where)
    return [(_named(names), *key) for key, names in where.items()]


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MAX_EPISODES} more" if len(names) > MAX_EPISODES else ""
    return ", ".join(names[:MAX_EPISODES]) + more
