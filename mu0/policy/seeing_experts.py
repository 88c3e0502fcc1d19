"""Which network stands behind a variant that learns to see by itself, with random weights.

Apart from the vocabulary of their sentences, these take nothing of the world model but its sizes.
"""

from mu0.model.world_model import TraceWorldModel
from mu0.policy.action_expert import AbstractExpert, ActionExpertConfig
from mu0.policy.diffusion_policy import DiffusionPolicy
from mu0.policy.end_to_end import SeeingExpert
from mu0.policy.pi0 import Pi0
from mu0.policy.trace_features import untrained_like


def seeing_expert(config: ActionExpertConfig, world_model: TraceWorldModel, seed: int) -> AbstractExpert:
    """An expert that has learned nothing yet.

    Args:
        config: Of the expert; its variant is one of `SEEING`.
        world_model: Gives the sizes of the vision and text layers.
        seed: Of the encoder of `end_to_end`; all other weights come from torch's own random numbers.

    Raises:
        PolicyError: The variant cannot have chunks of that length.
    """
    if config.variant == "diffusion_policy":
        return DiffusionPolicy(config)
    if config.variant == "pi0":
        return Pi0(config, world_model.config)
    return SeeingExpert(config, untrained_like(world_model, seed))
