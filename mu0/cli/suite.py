"""`mu0 ur3-suite REPORT...`: the closed-loop reports of several tasks as one, with their average."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer, people_errors: Callable[[Callable[..., None]], Callable[..., Any]]) -> None:
    """Add the command."""
    app.command("ur3-suite")(people_errors(ur3_suite))


def ur3_suite(
    reports: Annotated[
        list[Path], typer.Argument(help="One folder per task, such as PROJECT/reports/ur3_report.")
    ],
    out: Annotated[Path, typer.Option(help="Where suite.json and index.html go.")] = Path(
        "outputs/ur3_suite"
    ),
) -> None:
    """Average the closed-loop reports of several tasks, with intervals; refuses what cannot be compared."""
    from mu0.cli.place import place_for
    from mu0.evaluation.policies.suite import read_task_report, summarize_suite
    from mu0.files import write_json
    from mu0.viewer.suite_report import write_suite_page

    suite = summarize_suite([read_task_report(folder) for folder in reports])
    with place_for(out):
        write_json(out / "suite.json", suite)
        write_suite_page(out / "index.html", suite)
    _tell(suite)
    typer.echo((out / "index.html").resolve())


def _tell(suite: dict[str, Any]) -> None:
    from mu0.cli.tables import print_table
    from mu0.viewer.actors import EMPTY, percent, span

    usual = suite["levels"]["in_distribution"]["actors"]
    rows = []
    for actor, found in usual.items():
        cells = [found["tasks"][task] for task in suite["tasks"]]
        average = found["average"]
        rows.append(
            [
                actor,
                *(EMPTY if one is None else f"{one['n_successes']}/{one['n_trials']}" for one in cells),
                EMPTY
                if average is None
                else f"{percent(average['rate'])} ({span(average['low'], average['high'])})",
            ]
        )
    print_table(("actor", *suite["tasks"], "average"), rows)
