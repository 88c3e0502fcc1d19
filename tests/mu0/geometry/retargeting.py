"""A group of traces in one camera at equal steps, out of the parts of `mu0.geometry.arc_length`."""

import numpy as np

from mu0.geometry.arc_length import STEP, TOP_FRACTION, Retargeted, common_advance, equal_steps, lengths


def retarget(
    trace: np.ndarray,
    size_px: tuple[int, int],
    n_steps: int,
    *,
    step: float = STEP,
    top_fraction: float = TOP_FRACTION,
) -> Retargeted:
    """Sample a group of traces at equal steps of their common path length.

    Args:
        trace: The group's traces; d is 2 or 3, t at least 1.
        size_px: Image height and width.
        n_steps: At most this many steps are returned.
        step: Path length between two steps.
        top_fraction: Share of the traces, the fastest in each frame, whose mean counts as path.

    Returns:
        Between 1 and `n_steps` steps; step 0 is input frame 0.

    Raises:
        ExtractionError: A position is not finite.
    """
    assert trace.shape[2] in {2, 3}
    assert step > 0
    assert 0 < top_fraction <= 1
    scale = np.array([size_px[1], size_px[0], 1.0])[: trace.shape[2]]
    path = trace.astype(np.float64) / scale
    if trace.shape[1] < 2:
        return Retargeted(path * scale, np.zeros(1))
    segment, share = equal_steps(common_advance(lengths(path), top_fraction), n_steps, step)
    start = path[:, segment]
    sampled = start + share[:, None] * (path[:, segment + 1] - start)
    return Retargeted(sampled * scale, segment + share)
