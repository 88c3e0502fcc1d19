"""Which points to follow: keypoints on entities, and helpers that make rigid bodies easier to find.

Here everything is chosen afresh, as in the first window of a clip; what later windows add to points that were
handed over is chosen in `mu0.traceextract.long_clips.choice_in_window`.
"""

import numpy as np
from jaxtyping import Int

from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import (
    Footage,
    Keypoints,
    PatchFeatures,
    Reconstruction,
)
from mu0.traceextract.backends.registry import load_feature_extractor
from mu0.traceextract.keypoints.placement import (
    KeypointBudget,
    choose_helpers,
    choose_keypoints,
    query_frames,
)

HELPER_SHARE = 0.9  # helpers per frame over keypoints per frame


def choose(
    footage: Footage, reconstruction: Reconstruction, params: ExtractParams
) -> tuple[Keypoints, Keypoints]:
    """The keypoints, and the helpers between their query frames that make bodies easier to find."""
    frames = query_frames(len(footage.frames), footage.fps_hz, params.query_every_s)
    features = describe(footage, reconstruction, params, frames)
    keypoints = choose_keypoints(footage, reconstruction, features, budget_of(footage, params), params.seed)
    return keypoints, helpers_between(footage, reconstruction, params, frames)


def describe(
    footage: Footage, reconstruction: Reconstruction, params: ExtractParams, frames: Int[np.ndarray, " s"]
) -> PatchFeatures:
    """Patches of some frames, described by the backend that the parameters name."""
    return load_feature_extractor(params.features, params.learned).describe(footage, reconstruction, frames)


def n_keypoints(footage: Footage, params: ExtractParams) -> int:
    """Points to choose; wide pictures get twice as many."""
    return n_keypoints_of(footage.image_size_px[0], params)


def n_keypoints_of(width_px: int, params: ExtractParams) -> int:
    """The same, of the width of the picture."""
    is_small = width_px <= params.small_width_px
    return params.n_keypoints if is_small else 2 * params.n_keypoints


def budget_of(footage: Footage, params: ExtractParams) -> KeypointBudget:
    """The budget of one window."""
    return KeypointBudget(
        n_keypoints(footage, params),
        params.n_entities,
        params.moving_budget_share,
        params.clustering,
        params.allocation,
    )


def helpers_between(
    footage: Footage, reconstruction: Reconstruction, params: ExtractParams, frames: Int[np.ndarray, " s"]
) -> Keypoints:
    """Helpers in frames between the query frames `frames`; none without depth."""
    between = np.setdiff1d(query_frames(len(footage.frames), footage.fps_hz, params.helper_every_s), frames)
    if not reconstruction.is_3d or len(between) == 0:
        return Keypoints(np.zeros(0, int), np.zeros((0, 2)), np.zeros(0, int), np.zeros(0, bool))
    n_helpers = round(HELPER_SHARE * n_keypoints(footage, params) * len(between) / len(frames))
    return choose_helpers(footage, reconstruction, between, n_helpers)
