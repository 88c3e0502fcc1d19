"""The methods of the trace benchmark, and where their weights lie.

One stage trains a method, one asks it all questions, one compares the answers: a method that changes costs
itself only. What a method is called and which class answers for it stands in
`mu0/evaluation/benchmark/methods.py`.
"""

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
