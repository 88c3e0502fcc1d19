"""`python -m orchestration.bridge`: bring Dagster up to date with dvc.lock (the same as `mu0 sync`)."""

import logging
import os
import sys

import dagster as dg

from orchestration.bridge.project import project_here
from orchestration.bridge.sync import sync


def main() -> None:
    """Sync the instance in DAGSTER_HOME, by default `dagster_home/` of the project."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    project = project_here()
    os.environ.setdefault("DAGSTER_HOME", str(project.root / "dagster_home"))
    with dg.DagsterInstance.get() as instance:
        reported = sync(instance, project)
    lines = [f"  {entry}" for entry in reported]
    logging.getLogger("mu0").info(
        "\n".join(["Reported to Dagster:", *lines] if lines else ["Dagster is up to date."])
    )


if __name__ == "__main__":
    main()
