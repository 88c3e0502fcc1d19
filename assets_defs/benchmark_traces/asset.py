"""Every method on the same questions, compared."""

from assets_defs.benchmark_methods import DATA, GROUP, METHODS, OWNER
from assets_defs.graph import Stage
from assets_defs.parts import MODEL, TRACKING, check, code, command, report

STAGES = (
    Stage(
        "benchmark_traces",
        command=command("benchmark_traces"),
        code=code("benchmark_traces", *MODEL, "mu0/evaluation", "mu0/viewer", *TRACKING),
        inputs=(*DATA, "unseen_clips", *(f"benchmark_predictions_{method}" for method in METHODS)),
        params=("benchmark", "trace_dataset"),
        outputs=(
            report(
                "benchmark_traces", OWNER,
                "Every method on the same questions: tables, figures, panels, paired intervals.",
                group=GROUP,
            ),
        ),
        metrics=("reports/benchmark_traces_metrics.json",),
    ),
    check(
        "benchmark_traces", "benchmark", others=("assets_defs/benchmark_methods.py", "assets_defs/graph.py")
    ),
)  # fmt: skip
