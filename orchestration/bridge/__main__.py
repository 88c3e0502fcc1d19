"""`python -m orchestration.bridge`: bring Dagster up to date with dvc.lock (the same as `mu0 sync`)."""

import logging
import os
import sys

import dagster as dg

from assets_defs.chain import PIPELINES
from orchestration.bridge.lock import read_lock
from orchestration.bridge.presence import REMEDY, not_here
from orchestration.bridge.project import project_here
from orchestration.bridge.sync import sync


def main() -> None:
    """Sync the instance in DAGSTER_HOME, by default `dagster_home/` of the project."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells every table that Dagster makes
    projects = [project_here(pipeline) for pipeline in PIPELINES]
    os.environ.setdefault("DAGSTER_HOME", str(projects[0].root / "dagster_home"))
    with dg.DagsterInstance.get() as instance:
        reported = [entry for project in projects for entry in sync(instance, project)]
    log = logging.getLogger("mu0")
    lines = [f"  {entry}" for entry in reported]
    log.info("\n".join(["Reported to Dagster:", *lines] if lines else ["Dagster is up to date."]))
    missing: dict[str, str] = {}
    for project in projects:
        missing |= not_here(project, read_lock(project.root, project.pipeline))
    for state, remedy in REMEDY.items():
        if names := [name for name, found in missing.items() if found == state]:
            log.info("%s: %s", remedy[0].upper() + remedy[1:], ", ".join(names))


if __name__ == "__main__":
    main()
