"""The methods of the trace benchmark, and where their weights lie.

One stage trains a method, one asks it all questions, one compares the answers: a method that changes costs
itself only. What a method is called and which class answers for it stands in
`mu0/evaluation/benchmark/methods.py`.
"""

from assets_defs.graph import Artifact

GROUP = "benchmark_traces"
DATA = ("trace_dataset", "extracted_traces", "captions")
OWNER = "team:evaluation"
VARIANTS_OF_MU0 = (
    "mu0",
    "raw_waypoints",
    "no_features",
    "no_rigidity",
    "no_history",
    "no_depth",
    "anchor_depth",
)
RIVALS = ("tracegen", "token_vlm")
UNTRAINED = ("mu0_history", "static", "constant_velocity")
WEIGHTS_OF = {"mu0_history": "mu0"}  # methods that ask another one's checkpoint
METHODS = (*VARIANTS_OF_MU0, *RIVALS, *UNTRAINED)


def model_folder(method: str) -> str:
    """Where the checkpoint of a trained method lies."""
    return f"models/{method}" if method in RIVALS else f"models/benchmark/{method}"


def trained(method: str) -> Artifact:
    """The weights of a method."""
    name = method if method in RIVALS else f"benchmark_model_{method}"
    description = f"Weights of {method}, equal wall-clock."
    return Artifact(name, model_folder(method), GROUP, description, ("torch",), owners=(OWNER,))
