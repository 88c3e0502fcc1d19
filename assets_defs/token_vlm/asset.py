"""The tokenised VLM, trained for the benchmark's time: a rival of μ0."""

from assets_defs.benchmark_methods import DATA, trained
from assets_defs.graph import Stage
from assets_defs.parts import MODEL, TRAIN, code, command

STAGES = (
    Stage(
        "token_vlm",
        command=command("token_vlm"),
        code=code("token_vlm", *MODEL, *TRAIN, "mu0/baselines/token_vlm", "assets_defs/rival_training.py"),
        inputs=DATA,
        params=("benchmark.train_s", "token_vlm"),
        outputs=(trained("token_vlm"),),
        metrics=("reports/training/token_vlm.json",),
        plots=(("reports/training/token_vlm.csv", "step", "loss"),),
    ),
)
