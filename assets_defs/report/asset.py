"""The page that shows the whole chain."""

from assets_defs.graph import Stage
from assets_defs.parts import EPISODES, SHARED, code, command, report
from assets_defs.report.shown import FOLDERS

STAGES = (
    Stage(
        "report",
        command=command("report"),
        code=code("report", *SHARED, *EPISODES, "mu0/viewer", "assets_defs/report/shown.py"),
        inputs=tuple(FOLDERS),
        outputs=(
            report(
                "report", "team:evaluation", "One HTML page: the chain with numbers, 3D traces, rollouts.",
                folder="mu0_report",
            ),
        ),
    ),
)  # fmt: skip
