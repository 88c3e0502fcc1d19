"""`python -m orchestration.bridge`: bring Dagster up to date with dvc.lock (the same as `mu0 sync`)."""

import logging
import os
import sys

import dagster as dg

from assets_defs.chain import PIPELINES
from orchestration.bridge.project import project_here
from orchestration.bridge.sync import sync


def main() -> None:
    """Sync the instance in DAGSTER_HOME, by default `dagster_home/` of the project."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    projects = [project_here(pipeline) for pipeline in PIPELINES]
    os.environ.setdefault("DAGSTER_HOME", str(projects[0].root / "dagster_home"))
    with dg.DagsterInstance.get() as instance:
        reported = [entry for project in projects for entry in sync(instance, project)]
    lines = [f"  {entry}" for entry in reported]
    logging.getLogger("mu0").info(
        "\n".join(["Reported to Dagster:", *lines] if lines else ["Dagster is up to date."])
    )


if __name__ == "__main__":
    main()
