"""The page that shows the whole chain."""

from assets_defs.graph import Stage
from assets_defs.parts import EPISODES, SHARED, code, command, report

SHOWN = (
    "raw_videos", "extracted_traces", "captions", "trace_dataset", "world_model", "trace_audit",
    "trace_report", "demonstrations", "action_expert_ur3_mu0", "action_expert_ur3_no_trace", "ur3_report",
)  # fmt: skip

STAGES = (
    Stage(
        "report",
        command=command("report"),
        code=code("report", *SHARED, *EPISODES, "mu0/viewer"),
        inputs=SHOWN,
        outputs=(
            report(
                "report", "team:evaluation", "One HTML page: the chain with numbers, 3D traces, rollouts.",
                folder="mu0_report",
            ),
        ),
    ),
)  # fmt: skip
