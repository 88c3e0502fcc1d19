"""What the rooms of the trace benchmark share when they say what they are."""

from assets_defs.benchmark_methods import RIVALS, model_folder
from assets_defs.graph import Artifact

GROUP = "benchmark_traces"
OWNER = "team:evaluation"
DATA = ("trace_dataset", "extracted_traces", "captions")
METHODS_CODE = ("assets_defs/benchmark_methods.py",)
PARAMS_CODE = ("mu0/params/benchmark.py",)
FOLDERS_CODE = ("assets_defs/benchmark_folders.py",)
QUESTIONS_CODE = ("assets_defs/benchmark_questions.py", *FOLDERS_CODE, *PARAMS_CODE)
RIVAL_CODE = ("assets_defs/rival_training.py", "mu0/params/rivals.py", *PARAMS_CODE)


def trained(method: str) -> Artifact:
    """The weights of a method."""
    name = method if method in RIVALS else f"benchmark_model_{method}"
    description = f"Weights of {method}, equal wall-clock."
    return Artifact(name, model_folder(method), GROUP, description, ("torch",), owners=(OWNER,))
