"""Commands that drive the chain: they call DVC and the bridge as programs, never as libraries."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from assets_defs.chain import PIPELINE
from mu0.errors import Mu0Error, StageError
from orchestration.cli.environment import environment
from orchestration.cli.plan import foresee, tell, tell_stages
from orchestration.params import WholeFile, check_params
from orchestration.progress.plan import VARIABLE, Plan
from orchestration.running.child import run_child
from orchestration.running.turns import holders, turn
from orchestration.verify.guard import require_recorded_models, require_sound_cache
from orchestration.verify.lost import how_to_get_back

TRAINING = {
    "world_model": ["check_world_model"],
    "action_experts": [stage.name for stage in PIPELINE.all_stages if stage.name.startswith("action_expert")],
}


def run_python(*arguments: str, **further: str) -> int:
    """`python -m ...` in the environment of stage commands, and `further` variables; returns its exit code.

    Raises:
        Interrupted: This process was asked to stop; raised when all that was started has ended.
    """
    return run_child([sys.executable, "-m", *arguments], environment() | further)


def require_project() -> None:
    """Stop with a message when the current folder is not a mu0 project under git.

    Raises:
        StageError: dvc.yaml, .dvc or .git is missing.
    """
    for name, remedy in (
        ("dvc.yaml", "change to the project folder, or write it with `mu0 dvc-yaml`."),
        (".dvc", "run `git init` if needed, then `dvc init`."),
        (".git", "run `git init`: DVC keeps its records beside git's."),
    ):
        if not Path(name).exists():
            raise StageError(
                f"There is no {name} in {Path.cwd()}.", expected="a mu0 project folder", remedy=remedy
            )


def bring_up_to_date(stages: Sequence[str], *, force: bool) -> None:
    """`dvc repro` with checked names, checked params and this interpreter; says first how long it will take.

    Raises:
        StageError: A name is unknown, a stage failed (its own message stands above), or DVC's cache or a
            model has other bytes than recorded.
        ParamsError: params.yaml is wrong.
    """
    params = _checked(stages)
    with turn(Path(), _tell_waiting, alone=True):
        require_sound_cache(Path())
        plan, expected = foresee(stages, params, force=force)
        tell(plan, expected, params)
        if plan.seconds:
            _reproduce([*(["--force"] if force else []), *stages], plan)
            require_sound_cache(Path())
        require_recorded_models(Path())


def _reproduce(arguments: Sequence[str], plan: Plan) -> None:
    try:
        code = run_dvc_repro(*arguments, **{VARIABLE: plan.to_json()})
    except KeyboardInterrupt:
        if lost := how_to_get_back(Path()):
            typer.echo(f"\n{lost}", err=True)
        raise
    if code:
        raise StageError(
            f"The chain stopped (dvc repro left with {code}).",
            expected="every stage and every check to pass",
            remedy="read the first message above; finished stages are kept, so `mu0 run` goes on from there. "
            + how_to_get_back(Path()),
        )


def reproduce_alone(*arguments: str) -> int:
    """`dvc repro` when nobody else works on the project; returns its exit code.

    Raises:
        StageError: It failed, and another DVC is at work that came in between.
    """
    with turn(Path(), _tell_waiting, alone=True):
        return run_dvc_repro(*arguments)


def run_dvc_repro(*arguments: str, **further: str) -> int:
    """`dvc repro`, with `further` variables; returns its exit code.

    Raises:
        StageError: It failed, and another DVC is at work, which takes no turns.
    """
    code = run_python("orchestration.running.dvc", "--wait-for-lock", "repro", *arguments, **further)
    if code and (others := holders(Path())):
        raise StageError(
            f"dvc repro left with {code} while {', '.join(map(str, others))} was at work.",
            expected="one DVC at a time in this folder",
            remedy="let that process end, or stop it, and run the same command again; its lock ends with it.",
        )
    return code


def _tell_waiting(line: str) -> None:
    typer.secho(line, err=True)


def show_plan(stages: Sequence[str], *, force: bool) -> None:
    """What `bring_up_to_date` would do, and about how long each stage would take.

    Raises:
        StageError: A name is unknown, or DVC cannot tell what is out of date.
        ParamsError: params.yaml is wrong.
    """
    params = _checked(stages)
    plan, expected = foresee(stages, params, force=force)
    tell_stages(plan)
    tell(plan, expected, params)


def _checked(stages: Sequence[str]) -> WholeFile:
    unknown = sorted(set(stages) - set(PIPELINE.stages))
    if unknown:
        raise StageError(
            f"There is no stage {', '.join(unknown)}.",
            expected=", ".join(PIPELINE.stages),
            remedy="check the spelling.",
        )
    require_project()
    return check_params()


def training_stages(what: str) -> list[str]:
    """Stage names behind `mu0 train WHAT`."""
    if what == "all":
        return [name for names in TRAINING.values() for name in names]
    if what in TRAINING:
        return TRAINING[what]
    raise StageError(
        f"There is nothing to train called {what!r}.",
        expected="world_model, action_experts or all",
        remedy="choose one.",
    )


def show_numbers() -> None:
    """Print every metrics file of the chain."""
    for stage in PIPELINE.all_stages:
        for metrics in map(Path, stage.metrics):
            if metrics.exists():
                typer.secho(f"{stage.name}  ({metrics})", bold=True)
                for name, value in json.loads(metrics.read_text()).items():
                    shown = f"{value:.4g}" if isinstance(value, float) else value
                    typer.echo(f"  {name:<44} {shown}")


def tell_where_things_are() -> None:
    """What a person looks at after a run."""
    report = Path(PIPELINE.artifacts["report"].path) / "index.html"
    if report.exists():
        typer.secho(f"\nReport      {report.resolve()}", bold=True)
        typer.echo("Dagster UI  make ui   (then http://127.0.0.1:3000)")
        typer.echo("MLflow UI   mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1")
        typer.echo("Promotion   mu0 promote")


def sync_with_dagster() -> None:
    """Run the bridge, which lives above this package and is therefore called as a program."""
    require_project()
    if run_python("orchestration.bridge"):
        raise StageError(
            "Dagster could not be brought up to date.",
            expected="orchestration.bridge to read dvc.lock and write to DAGSTER_HOME",
            remedy="read the message above.",
        )


def render(*, check: bool) -> None:
    """Write dvc.yaml and that of the benchmark, or say which is not current."""
    from assets_defs.chain import PIPELINES
    from orchestration.dvc_yaml import is_current, write

    for pipeline in PIPELINES:
        if not check:
            write(pipeline=pipeline)
            typer.echo(f"{pipeline.dvc_yaml} written from the stage graph.")
        elif is_current(pipeline=pipeline):
            typer.echo(f"{pipeline.dvc_yaml} is current.")
        else:
            raise Mu0Error(
                f"{pipeline.dvc_yaml} differs from the stage graph.",
                expected="the graph that assets_defs/*/asset.py make",
                remedy="run `mu0 dvc-yaml`.",
            )
