"""TraceGen, trained for the benchmark's time: a rival of μ0."""

from assets_defs.benchmark_parts import DATA, RIVAL_CODE, trained
from assets_defs.graph import Stage
from assets_defs.parts import MODEL, TRAIN, code, command
from mu0.params.rivals import TraceGenParams

SECTIONS = {"tracegen": TraceGenParams}

STAGES = (
    Stage(
        "tracegen",
        command=command("tracegen"),
        code=code("tracegen", *MODEL, *TRAIN, "mu0/baselines/tracegen", *RIVAL_CODE),
        inputs=DATA,
        params=("benchmark.train_s", "tracegen"),
        outputs=(trained("tracegen"),),
        metrics=("reports/training/tracegen.json",),
        plots=(("reports/training/tracegen.csv", "step", "loss"),),
    ),
)
