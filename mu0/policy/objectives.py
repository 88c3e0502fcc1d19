"""What a variant minimises: the two rivals what they were published with, all others what they are asked."""

from mu0.errors import PolicyError
from mu0.policy.action_expert import Objective, Variant

OWN: dict[Variant, Objective] = {"diffusion_policy": "diffusion", "pi0": "flow"}


def objective_of(variant: Variant, asked: Objective) -> Objective:
    """What a variant minimises.

    Raises:
        PolicyError: Regression was asked of a rival.
    """
    if variant in OWN and asked != "flow":
        raise PolicyError(
            f"`action_expert.objective: {asked}` was asked of {variant}.",
            expected=f"its own objective, {OWN[variant]}",
            remedy="leave action_expert.objective out of params.yaml, or train another variant.",
        )
    return OWN.get(variant, asked)
