"""What a few demonstrations of a new embodiment are worth, with and without pretraining."""

from assets_defs.benchmark_parts import DATA, GROUP, OWNER, QUESTIONS_CODE
from assets_defs.graph import Stage
from assets_defs.parts import MODEL, TRAIN, code, command, report

STAGES = (
    Stage(
        "warm_up_study",
        command=command("warm_up_study"),
        code=code(
            "warm_up_study", *MODEL, *TRAIN, "mu0/baselines", "mu0/evaluation", "mu0/viewer",
            "mu0/params/rivals.py", *QUESTIONS_CODE,
        ),
        inputs=DATA,
        params=("benchmark", "world_model", "tracegen", "trace_dataset"),
        outputs=(
            report(
                "warm_up_study", OWNER,
                "A few demonstrations of a new embodiment, from pretrained against from scratch.",
                group=GROUP,
            ),
        ),
        metrics=("reports/warm_up_study_metrics.json",),
    ),
)  # fmt: skip
