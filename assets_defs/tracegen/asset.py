"""TraceGen, trained for the benchmark's time: a rival of μ0."""

from assets_defs.benchmark_methods import DATA, trained
from assets_defs.graph import Stage
from assets_defs.parts import MODEL, TRAIN, code, command

STAGES = (
    Stage(
        "tracegen",
        command=command("tracegen"),
        code=code("tracegen", *MODEL, *TRAIN, "mu0/baselines/tracegen", "assets_defs/rival_training.py"),
        inputs=DATA,
        params=("benchmark.train_s", "tracegen"),
        outputs=(trained("tracegen"),),
        metrics=("reports/training/tracegen.json",),
        plots=(("reports/training/tracegen.csv", "step", "loss"),),
    ),
)
