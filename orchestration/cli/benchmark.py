"""`mu0 benchmark traces`: the second pipeline, from training every method to one table."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mu0.errors import ParamsError, StageError

REPORT = Path("reports/benchmark_traces")
PARTIAL_REPORT = Path("outputs/benchmark_traces")
STUDY = Path("reports/warm_up_study")
PARAMS = Path("params.yaml")
SHOWN_TABLES, SHOWN_OF_STUDY = 3, 2  # the headline, phases and entities, the comparison
DATA_CHECKS = ("check_extracted_traces", "check_captions", "check_trace_dataset")


def register(app: typer.Typer, people_errors: Callable[[Callable[..., None]], Callable[..., Any]]) -> None:
    """Add the command."""
    benchmarks = typer.Typer(help="Compare methods on equal data, time and questions.", no_args_is_help=True)
    benchmarks.command("traces")(people_errors(traces))
    app.add_typer(benchmarks, name="benchmark")


def traces(
    methods: Annotated[
        str, typer.Option(help="Names with commas: these only, into outputs/benchmark_traces.")
    ] = "",
    train_s: Annotated[
        float, typer.Option(help="Training time of every method [s]; written into params.yaml.")
    ] = 0.0,
    data_as_is: Annotated[
        bool, typer.Option("--data-as-is", help="Take the chain's data as they lie there.")
    ] = False,
    warm_up: Annotated[bool, typer.Option(help="Also the study of a few demonstrations.")] = True,
    list_: Annotated[bool, typer.Option("--list", help="Only say which methods there are.")] = False,
) -> None:
    """Train every method for the same time, ask all the same questions, and compare; goes on where it was."""
    from orchestration.cli.chain import bring_up_to_date, require_project
    from orchestration.params import check_params

    if list_:
        _list_methods()
        return
    require_project()
    if train_s:
        set_train_s(PARAMS, train_s)
    check_params()
    chosen = [name.strip() for name in methods.split(",") if name.strip()]
    stages = stages_of(chosen, warm_up=warm_up)
    if not data_as_is:
        bring_up_to_date(DATA_CHECKS, force=False)
    _reproduce(stages)
    if chosen:
        _evaluate(chosen)
    _show(PARTIAL_REPORT if chosen else REPORT, with_study=warm_up and not chosen)


def stages_of(methods: Sequence[str], *, warm_up: bool) -> list[str]:
    """Stages of the benchmark in order: all, or those that train and ask some methods.

    Raises:
        StageError: A method is unknown, or μ0 is missing among several.
    """
    from assets_defs.benchmark_methods import METHODS
    from assets_defs.chain import BENCHMARK

    unknown = sorted(set(methods) - set(METHODS))
    if unknown or (methods and "mu0" not in methods):
        raise StageError(
            f"There is no method {', '.join(unknown)}." if unknown else "mu0 is not among the methods.",
            expected=f"mu0 and some of {', '.join(METHODS)}",
            remedy="see `mu0 benchmark traces --list`; all are compared with mu0.",
        )
    if not methods:
        return [stage.name for stage in BENCHMARK.all_stages if warm_up or stage.name != "warm_up_study"]
    asked = [f"benchmark_predictions_{name}" for name in methods]
    inputs = {name for stage in asked for name in BENCHMARK.stages[stage].inputs}
    trained = {BENCHMARK.producer_of[name].name for name in inputs} & set(BENCHMARK.stages)
    wanted = {"unseen_clips", *trained, *asked}
    return [stage.name for stage in BENCHMARK.all_stages if stage.name in wanted]


def set_train_s(path: Path, train_s: float) -> None:
    """Change `benchmark.train_s` in params.yaml and leave every other character as it is.

    Raises:
        ParamsError: The line is not there.
    """
    content = path.read_text()
    changed, n = re.subn(
        r"(?ms)(^benchmark:.*?\btrain_s: *)[0-9.e+]+", rf"\g<1>{train_s:g}", content, count=1
    )
    if n == 0:
        raise ParamsError(
            f"{path} has no line `train_s` under `benchmark`.",
            expected="benchmark:\n    train_s: 200",
            remedy="add it, or start again with `mu0 profile use small`.",
        )
    path.write_text(changed)


def _reproduce(stages: Sequence[str]) -> None:
    """One stage after the other, so that people see how far it is; DVC leaves out what did not change."""
    from assets_defs.chain import BENCHMARK
    from orchestration.cli.chain import reproduce_alone

    for number, stage in enumerate(stages, 1):
        typer.secho(f"[{number}/{len(stages)}] {stage}", bold=True)
        code = reproduce_alone("--single-item", BENCHMARK.address(BENCHMARK.stages[stage]))
        if code:
            raise StageError(
                f"The benchmark stopped at {stage} (dvc repro left with {code}).",
                expected="every stage to pass",
                remedy="read the first message above; finished stages are kept, the same command goes on.",
            )


def _evaluate(methods: Sequence[str]) -> None:
    from orchestration.cli.chain import run_python

    if run_python("assets_defs.benchmark_traces.stage", *methods):
        raise StageError(
            "The answers could not be compared.", expected="the message above", remedy="run it again."
        )


def _list_methods() -> None:
    from mu0.evaluation.benchmark.methods import METHODS

    for name, spec in METHODS.items():
        typer.echo(f"{name:<18} {spec.label:<22} {spec.note}")


def _show(report: Path, *, with_study: bool) -> None:
    for folder, most in [(report, SHOWN_TABLES), *([(STUDY, SHOWN_OF_STUDY)] if with_study else [])]:
        page = (folder / "table.md").read_text()
        typer.echo("\n## ".join(page.split("\n## ")[: most + 1]))
        typer.secho(f"Report      {(folder / 'index.html').resolve()}\n", bold=True)
