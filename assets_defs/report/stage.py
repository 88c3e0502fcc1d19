"""Stage `report`: all artifacts -> one HTML page to look at."""

from pathlib import Path

from assets_defs.entry import run_stage
from mu0.files import atomic_folder
from mu0.viewer.report.one_page import write_report

GOAL = Path("reports/mu0_report")


def main() -> None:
    """Write reports/mu0_report/index.html."""
    with atomic_folder(GOAL) as folder:
        write_report(Path(), folder / "index.html")


if __name__ == "__main__":
    run_stage(main)
