"""μ0 on held-out episodes beside what costs nothing: standing still, and going on as before."""

from assets_defs.graph import Stage
from assets_defs.parts import LABELS, MODEL, MODEL_PARAMS, TRACKING, check, code, command, report
from mu0.params.world_model import TraceReportParams

SECTIONS = {"trace_report": TraceReportParams}

STAGES = (
    Stage(
        "trace_report",
        command=command("trace_report"),
        code=code(
            "trace_report", *MODEL, "mu0/baselines", "mu0/evaluation", "mu0/viewer", *LABELS, *TRACKING,
        ),
        inputs=("world_model", "trace_dataset", "extracted_traces", "captions", "ground_truth_tracks"),
        params=("trace_report", "trace_dataset"),
        outputs=(
            report(
                "trace_report", "team:world_model",
                "μ0 and its baselines on held-out episodes, by phase and entity, with intervals.",
            ),
        ),
        metrics=("reports/trace_report_metrics.json",),
    ),
    check("trace_report", "trace_report", others=MODEL_PARAMS),
)  # fmt: skip
