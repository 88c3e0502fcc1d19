"""What rests stays: futures of keypoints that do not move are pulled back to their place.

A sampled future of a resting keypoint still trembles by what the noise leaves over. Where the model itself
says that a keypoint stays, its displacement is set to zero; above the threshold nothing is changed, so moving
keypoints keep every future that was drawn.
"""

import torch
from jaxtyping import Float
from torch import Tensor

RESTS_BELOW = 0.5  # P(moves); chosen on validation episodes, docs/experiments.md


def settled(
    steps: Float[Tensor, "*lead q step 3"], moves: Float[Tensor, "q"] | None, rests_below: float
) -> Float[Tensor, "*lead q step 3"]:
    """The displacements `steps`, zero for keypoints that move with a probability below `rests_below`."""
    if moves is None:
        return steps
    return torch.where((moves < rests_below)[:, None, None], 0.0, steps)
