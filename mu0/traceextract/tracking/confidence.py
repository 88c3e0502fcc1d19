"""How far to trust a position: the probability that it lies within a tolerance, fitted to simulated truth.

What is known about a point in a frame decides, in this order: what carries it (the still world, a rigid body,
nothing), whether it was measured there, is in view, or is hidden, and one number of evidence

    carried    in how many frames was it measured where its carrier puts it?     more is better
    bridged    how many frames from the next known pose of its body?             fewer is better
    unseen     the same from its next measurement, for points nothing carries    fewer is better

`TABLE` holds, for each such situation and each bin of evidence, the share of positions that were within
`TOLERANCE_M` of the truth, made monotone along the bins (pool adjacent violators).

Source
    `benchmarks/trace_accuracy.py --tuning --fit-confidence`: simulated clips from seed 55000, 640 x 480,
    still and moving cameras, 20 for `TABLE`. `PIXEL_TABLE`: `benchmarks/trace_accuracy_pixels.py --tuning
    --fit-confidence`, the same clips without depth. Held-out reliability: docs/accuracy.md.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

TOLERANCE_M = 0.01
MIN_TRUST = 0.4  # of a track, over its frames
MIN_KNOWN = 0.1  # of a position; with less, nobody knows any more where the point is
EDGES = np.array([2, 4, 8, 16, 32])  # of the bins: 0 to 1, 2 to 3, ... 32 and more
STILL_MEASURED, STILL_IN_VIEW, STILL_HIDDEN = 0, 1, 2
BODY_MEASURED, BODY_IN_VIEW, BODY_HIDDEN, BODY_BRIDGED = 3, 4, 5, 6
LOOSE_SEEN, LOOSE_UNSEEN = 7, 8
GROWS_WITH_EVIDENCE = np.array([True, True, True, True, True, True, False, True, False])
TABLE = np.array(
    [
        [0.144, 0.488, 0.705, 0.828, 0.95, 0.989],
        [0.775, 0.775, 0.775, 0.775, 0.775, 0.893],
        [0.651, 0.651, 0.651, 0.651, 0.666, 0.953],
        [0.88, 0.88, 0.939, 0.939, 0.939, 0.939],
        [0.764, 0.832, 0.832, 0.87, 0.87, 0.87],
        [0.26, 0.395, 0.406, 0.613, 0.613, 0.708],
        [0.301, 0.071, 0.024, 0.022, 0.022, 0.022],
        [0.479, 0.479, 0.479, 0.479, 0.479, 0.479],
        [0.18, 0.062, 0.001, 0.001, 0.001, 0.001],
    ]
)


# without depth: rows are seen and unseen; evidence is the number of frames seen, and frames to the nearest
PIXEL_TOLERANCE_SHARE = 0.01  # of the picture's diagonal
PIXEL_TABLE = np.array(
    [
        [0.941, 0.941, 0.941, 0.941, 0.941, 0.948],
        [0.612, 0.456, 0.229, 0.159, 0.159, 0.159],
    ]
)


def pixel_confidence(
    is_seen: Bool[np.ndarray, "t n"], lives: Bool[np.ndarray, "t n"]
) -> Float[np.ndarray, "t n"]:
    """Probability that a pixel track is within `PIXEL_TOLERANCE_SHARE` of the diagonal, within its life."""
    evidence = np.where(is_seen, (is_seen & lives).sum(0)[None], frames_to(is_seen))
    return PIXEL_TABLE[np.where(is_seen, 0, 1), np.searchsorted(EDGES, evidence, side="right")]


def confidence(
    situation: Int[np.ndarray, "t n"], evidence: Int[np.ndarray, "t n"]
) -> Float[np.ndarray, "t n"]:
    """Probability that a position is within `TOLERANCE_M`."""
    return TABLE[situation, np.searchsorted(EDGES, evidence, side="right")]


def situations(
    carried_by_body: Bool[np.ndarray, " n"],
    carried_by_world: Bool[np.ndarray, " n"],
    agrees: Bool[np.ndarray, "t n"],
    visible: Bool[np.ndarray, "t n"],
    pose_known: Bool[np.ndarray, "t n"],
) -> tuple[Int[np.ndarray, "t n"], Int[np.ndarray, "t n"]]:
    """Situation and evidence of every point and frame.

    Args:
        carried_by_body: Points that ride on a rigid body.
        carried_by_world: Points that stay where they are.
        agrees: Where a point was measured at its final position.
        visible: Where it is in view.
        pose_known: Where the pose of its body was measured and not interpolated.
    """
    look = np.where(agrees, 0, np.where(visible, 1, 2))
    on_body = np.where(pose_known | agrees, BODY_MEASURED + look, BODY_BRIDGED)
    loose = np.where(visible, LOOSE_SEEN, LOOSE_UNSEEN)
    situation = np.where(carried_by_world, STILL_MEASURED + look, np.where(carried_by_body, on_body, loose))
    support = np.where(carried_by_body | carried_by_world, agrees.sum(0), visible.sum(0))
    evidence = np.where(situation == BODY_BRIDGED, frames_to(pose_known), support[None])
    return situation, np.where(situation == LOOSE_UNSEEN, frames_to(visible), evidence)


def is_trusted(confidence: Float[np.ndarray, "t n"]) -> Bool[np.ndarray, " n"]:
    """Tracks that are right often enough to be taught: by their mean confidence over all frames."""
    return np.asarray(confidence.mean(0) >= MIN_TRUST)


def known_life(confidence: Float[np.ndarray, "t n"]) -> Bool[np.ndarray, "t n"]:
    """From the first to the last frame in which a position is known, with what is bridged in between.

    Before and after, a position is only held: a thing that the hand has hidden would hang in the air.
    """
    known = confidence >= MIN_KNOWN
    return np.logical_or.accumulate(known, 0) & np.logical_or.accumulate(known[::-1], 0)[::-1]


def frames_to(mask: Bool[np.ndarray, "t n"]) -> Int[np.ndarray, "t n"]:
    """Frames to the nearest True in each column; the number of frames where there is none."""
    n_frames = len(mask)
    frame = np.arange(n_frames)[:, None]
    before = np.maximum.accumulate(np.where(mask, frame, -n_frames), 0)
    after = np.minimum.accumulate(np.where(mask, frame, 2 * n_frames)[::-1], 0)[::-1]
    return np.minimum(np.minimum(frame - before, after - frame), n_frames)


def fit_table(
    cell: Int[np.ndarray, " m"],
    is_right: Bool[np.ndarray, " m"],
    grows: Bool[np.ndarray, " s"] = GROWS_WITH_EVIDENCE,
) -> Float[np.ndarray, "s b"]:
    """The table that observations ask for.

    Args:
        cell: Number of the table's entry, row by row, for each observation.
        is_right: Whether that position was within the tolerance.
        grows: Rows that may not fall; the others may not rise.
    """
    shape = (len(grows), len(EDGES) + 1)
    count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(float)
    right = np.bincount(cell, weights=is_right, minlength=shape[0] * shape[1]).reshape(shape)
    overall = (right.sum(1) + 1) / (count.sum(1) + 2)
    weight = count + 2.0
    share = (right + 2.0 * overall[:, None]) / weight
    rising = [
        pool_adjacent_violators(row if up else row[::-1], w if up else w[::-1])
        for row, w, up in zip(share, weight, grows, strict=True)
    ]
    return np.stack([row if up else row[::-1] for row, up in zip(rising, grows, strict=True)])


def pool_adjacent_violators(
    value: Float[np.ndarray, " b"], weight: Float[np.ndarray, " b"]
) -> Float[np.ndarray, " b"]:
    """The closest sequence that never falls (weighted least squares)."""
    blocks: list[tuple[float, float, int]] = []
    for v, w in zip(value, weight, strict=True):
        blocks.append((float(v), float(w), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, wa, na), (b, wb, nb) = blocks[-2:]
            blocks[-2:] = [((a * wa + b * wb) / (wa + wb), wa + wb, na + nb)]
    return np.concatenate([np.full(n, v) for v, _, n in blocks])
