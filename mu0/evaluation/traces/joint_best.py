"""Best of S samples for a whole scene: one sample has to be right about all keypoints together.

The official best-of-S takes the best sample of every keypoint on its own, so five samples of sixteen
keypoints stand for 5^16 combinations that the model never proposed. The joint version lets each scene choose
one sample and keeps that sample's errors. It is never below the official one, equals it for scenes of one
keypoint, and tells whether a model's samples are consistent scenes.

Conventions (docs/conventions.md)
    errors   (sample, horizon, keypoint), NaN where a keypoint has no error
    scenes   which scene a keypoint belongs to, any integers
"""

import numpy as np
from jaxtyping import Float, Int


def joint_best(
    errors: Float[np.ndarray, "sample horizon n"], scenes: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "horizon n"]:
    """Errors of the sample whose mean over the scene's keypoints is smallest, per scene and horizon.

    Keypoints without an error have no say and stay NaN; ties go to the first sample.
    """
    names, place = np.unique(scenes, return_inverse=True)
    member = place[:, None] == np.arange(len(names))
    known = np.isfinite(errors)
    mean = (np.where(known, errors, 0.0) @ member) / np.maximum(known @ member.astype(int), 1)
    chosen = mean.argmin(axis=0)[:, place]
    return np.take_along_axis(errors, chosen[None], axis=0)[0]
