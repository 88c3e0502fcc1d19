"""What each method answers to every question of the benchmark."""

from assets_defs.benchmark_methods import METHODS, UNTRAINED, WEIGHTS_OF
from assets_defs.benchmark_parts import DATA, GROUP, METHODS_CODE, OWNER, QUESTIONS_CODE, trained
from assets_defs.graph import Artifact, Stage
from assets_defs.parts import LABELS, MODEL, TRACKING, code, command
from mu0.params.api_vlm import ApiVlmParams

SECTIONS = {"api_vlm": ApiVlmParams}  # asked by hand only (docs/rivals_vlm.md)


def _predict(method: str) -> Stage:
    weights = WEIGHTS_OF.get(method, method)
    models = () if weights in UNTRAINED else (trained(weights).name,)
    name = f"benchmark_predictions_{method}"
    description = f"Answers of {method} to every question, and how long each took."
    path = f"data/benchmark/predictions/{method}"
    return Stage(
        name,
        command=command("benchmark_predictions", method),
        code=code(
            "benchmark_predictions",
            *MODEL,
            "mu0/baselines",
            "mu0/evaluation",
            *LABELS,
            *TRACKING,
            *METHODS_CODE,
            *QUESTIONS_CODE,
        ),
        inputs=(*DATA, "ground_truth_tracks", "unseen_clips", *models),
        params=("benchmark", "trace_dataset"),
        outputs=(Artifact(name, path, GROUP, description, ("numpy",), owners=(OWNER,)),),
    )


STAGES = tuple(_predict(method) for method in METHODS)
