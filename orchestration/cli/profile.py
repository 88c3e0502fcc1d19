"""Profiles: whole params.yaml files of different size."""

from pathlib import Path

import typer

from mu0.errors import ParamsError
from mu0.files import atomic_file
from orchestration.params import check_params, params_path

PROFILES = Path("profiles")


def use_profile(name: str) -> None:
    """Copy profiles/NAME.yaml to params.yaml; the old file is kept as params.yaml.bak when it had changes.

    Raises:
        ParamsError: There is no such profile, or it does not load.
    """
    source = PROFILES / f"{name}.yaml"
    known = sorted(path.stem for path in PROFILES.glob("*.yaml"))
    if name not in known:
        raise ParamsError(
            f"There is no profile {name!r} in {PROFILES.resolve()}.",
            expected=f"one of {', '.join(known) or '(no profiles: wrong folder?)'}",
            remedy="run `mu0 profile use small` in the project folder.",
        )
    check_params(source)
    content = source.read_text()
    if params_path.exists() and params_path.read_text() not in {
        p.read_text() for p in PROFILES.glob("*.yaml")
    }:
        backup = params_path.with_suffix(".yaml.bak")
        backup.write_text(params_path.read_text())
        typer.echo(f"params.yaml had changes of its own: kept as {backup}.")
    with atomic_file(params_path) as temporary:
        temporary.write_text(content)
    typer.echo(f"params.yaml is now the profile {name!r}. Run `mu0 run`.")


def show_profile() -> None:
    """Print the profile in use and whether params.yaml differs from it."""
    name = check_params().profile
    source = PROFILES / f"{name}.yaml"
    same = source.exists() and source.read_text() == params_path.read_text()
    typer.echo(f"{name}{'' if same else ' (with changes of your own)'}")
