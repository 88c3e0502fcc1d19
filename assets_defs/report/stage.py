"""Stage `report`: all artifacts -> one HTML page to look at."""

from pathlib import Path

from assets_defs.entry import run_stage
from assets_defs.report.shown import CHECKS, FOLDERS
from mu0.files import atomic_folder
from mu0.viewer.report.one_page import write_report
from mu0.viewer.report.page import Shown

GOAL = Path("reports/mu0_report")


def main() -> None:
    """Write reports/mu0_report/index.html."""
    checks = {name: Path(CHECKS, f"{name}.json") for name in FOLDERS}
    shown = Shown(
        title=Path.cwd().name,
        artifacts={name: Path(path) for name, path in FOLDERS.items()},
        checks={name: path for name, path in checks.items() if path.is_file()},
    )
    with atomic_folder(GOAL) as folder:
        write_report(shown, folder / "index.html")


if __name__ == "__main__":
    run_stage(main)
