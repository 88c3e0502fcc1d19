"""`python -m assets_defs.checks ARTIFACT`: validate one artifact, write its report, fail on critical ones.

A passed report goes to reports/checks/ARTIFACT.json, which consumers depend on. DVC deletes the outputs of a
failed stage, so a failed report goes to reports/checks_failed/ARTIFACT.json, where people and Dagster
find it. It lies there until the check passes again, which it need not do here: DVC may restore a passed
report, or git another commit. So it names what it judged, with md5s, and counts for nothing else.
"""

import importlib
import logging
import sys
from pathlib import Path

from assets_defs.dvc_state import md5_of
from assets_defs.entry import run_stage
from mu0.errors import StageError
from mu0.files import write_json

ROOMS = Path(__file__).parents[1]
PASSED = Path("reports/checks")
FAILED = Path("reports/checks_failed")


def check_artifact(artifact: str, root: Path = Path()) -> None:
    """Run all suites of `artifact` below `root`.

    Raises:
        StageError: There are no expectations about such an artifact.
        CheckFailedError: A critical expectation is broken.
    """
    known = sorted(path.parent.name for path in ROOMS.glob("*/expectations.py"))
    if artifact not in known:
        raise StageError(
            f"There are no expectations about {artifact!r}.",
            expected=f"one of {', '.join(known)}",
            remedy="correct the name, or add assets_defs/<artifact>/expectations.py and a check stage.",
        )
    from assets_defs.checks.validate import failure, run_suites, sentence

    expectations = importlib.import_module(f"assets_defs.{artifact}.expectations")
    report = run_suites(artifact, expectations.suites(root))
    failed_path = FAILED / f"{artifact}.json"
    if not report["passed"]:
        write_json(root / failed_path, report | {"judged": judged(artifact, root)})
        raise failure(report, failed_path)
    write_json(root / PASSED / f"{artifact}.json", report)
    (root / failed_path).unlink(missing_ok=True)
    log = logging.getLogger(__name__)
    n_holding = report["n_expectations"] - report["n_broken"]
    log.info("%s: %d expectations hold, %d warnings", artifact, n_holding, report["n_broken"])
    for result in report["results"]:
        if not result["success"]:
            log.warning("    %s", sentence(result))


def judged(artifact: str, root: Path) -> dict[str, str | None]:
    """Md5s of everything that a verdict on `artifact` depends on, by path; None for what is missing."""
    from assets_defs.chain import WHOLE

    paths = ("params.yaml", *WHOLE.dependencies(WHOLE.check_of[artifact]))
    return {path: md5_of(root / path) for path in paths}


if __name__ == "__main__":
    run_stage(lambda: check_artifact(sys.argv[1] if len(sys.argv) > 1 else ""))
