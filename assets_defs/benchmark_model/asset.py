"""μ0 and its ablations, each trained for the benchmark's time."""

from assets_defs.benchmark_methods import VARIANTS_OF_MU0
from assets_defs.benchmark_parts import DATA, PARAMS_CODE, trained
from assets_defs.graph import Stage
from assets_defs.parts import MODEL, TRAIN, code, command


def _train(method: str) -> Stage:
    return Stage(
        f"benchmark_model_{method}",
        command=command("benchmark_model", method),
        code=code("benchmark_model", *MODEL, *TRAIN, *PARAMS_CODE),
        inputs=DATA,
        params=("benchmark.train_s", "world_model"),
        outputs=(trained(method),),
        metrics=(f"reports/benchmark_training/{method}.json",),
        plots=((f"reports/benchmark_training/{method}.csv", "step", "loss"),),
    )


STAGES = tuple(_train(method) for method in VARIANTS_OF_MU0)
