"""The tokenised VLM, trained for the benchmark's time: a rival of μ0."""

from assets_defs.benchmark_parts import DATA, RIVAL_CODE, trained
from assets_defs.graph import Stage
from assets_defs.parts import MODEL, TRAIN, code, command
from mu0.params.rivals import TokenVlmParams

SECTIONS = {"token_vlm": TokenVlmParams}

STAGES = (
    Stage(
        "token_vlm",
        command=command("token_vlm"),
        code=code("token_vlm", *MODEL, *TRAIN, "mu0/baselines/token_vlm", *RIVAL_CODE),
        inputs=DATA,
        params=("benchmark.train_s", "token_vlm"),
        outputs=(trained("token_vlm"),),
        metrics=("reports/training/token_vlm.json",),
        plots=(("reports/training/token_vlm.csv", "step", "loss"),),
    ),
)
