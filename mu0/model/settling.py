"""What rests stays: futures of keypoints that do not move are pulled back to their place.

A sampled future of a resting keypoint still trembles by what the noise leaves over. Where the model itself
says that a keypoint stays, its displacement is set to zero; otherwise nothing is changed, so moving keypoints
keep the futures that were drawn.

Where the model is not sure, futures differ. The first takes the likelier answer, and each of the others lets
some more keypoints go:

    future s of n   stays where P(moves) < rests_below (1 - s / n)
"""

import torch
from jaxtyping import Float
from torch import Tensor

RESTS_BELOW = 0.5  # P(moves) in the first future; chosen on validation episodes, docs/experiments.md


def settled(
    steps: Float[Tensor, "sample q step 3"], moves: Float[Tensor, " q"] | None, rests_below: float
) -> Float[Tensor, "sample q step 3"]:
    """The displacements `steps`, zero for keypoints in the futures in which they stay."""
    if moves is None:
        return steps
    n_samples = len(steps)
    borders = rests_below * (1 - torch.arange(n_samples) / n_samples)
    stays = moves < borders.to(moves)[:, None]
    return torch.where(stays[..., None, None], 0.0, steps)
