"""Every method on the same questions, compared."""

from assets_defs.benchmark_methods import METHODS
from assets_defs.benchmark_parts import DATA, GROUP, METHODS_CODE, OWNER, PARAMS_CODE, QUESTIONS_CODE
from assets_defs.graph import Stage
from assets_defs.parts import LABELS, MODEL, TRACKING, check, code, command, report
from mu0.params.benchmark import BenchmarkParams

SECTIONS = {"benchmark": BenchmarkParams}

STAGES = (
    Stage(
        "benchmark_traces",
        command=command("benchmark_traces"),
        code=code(
            "benchmark_traces", *MODEL, "mu0/evaluation", "mu0/viewer", *LABELS, *TRACKING, *QUESTIONS_CODE,
        ),
        inputs=(
            *DATA, "ground_truth_tracks", "unseen_clips",
            *(f"benchmark_predictions_{method}" for method in METHODS),
        ),
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
    check("benchmark_traces", "benchmark", others=(*METHODS_CODE, *PARAMS_CODE)),
)  # fmt: skip
