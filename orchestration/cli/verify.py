"""`mu0 verify`: re-hash everything that was recorded, and say what to do about each difference."""

from pathlib import Path

import typer

from mu0.errors import StageError


def verify_everything(*, fix: bool, root: Path = Path()) -> None:
    """Print every difference; with `fix`, put right first what can be put right.

    Raises:
        StageError: Something differs (each difference stands above), or the tracking store failed.
    """
    from orchestration.promotion.examine import examine_registry, open_registry
    from orchestration.verify.everything import data_differences, examine_data
    from orchestration.verify.repair import Repair

    open_registry()  # a store that is away is said now, not after an hour of reading
    findings = examine_data(root)
    if fix and (findings.damaged or findings.different):
        work = Repair(root, [])
        work.run(findings.damaged, findings.different)
        for line in work.done:
            typer.echo(f"mended: {line}")
        findings = examine_data(root)
    differences = data_differences(root, findings)
    registry, n_versions = examine_registry(root, fix=fix, tell=typer.echo)
    differences += registry
    for difference in differences:
        typer.echo(f"{difference}\n")
    read = (
        f"{findings.n_objects} cache objects, {findings.n_outputs} outputs, {n_versions} registered versions"
    )
    if differences:
        raise StageError(
            f"{len(differences)} difference(s) in {read}.",
            expected="the bytes that were recorded",
            remedy="follow the lines above; `mu0 verify --fix` does what is safe.",
        )
    typer.echo(f"All as recorded: {read}.")
