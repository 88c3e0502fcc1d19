"""The scores of `trace_accuracy.py`, per clip and over clips.

Shares and percentages (AJ, APD, OA) of several clips are averaged, as TAPVid-3D does; millimetres and recall
are computed again over the points and frames of all clips together, so that a long clip weighs more.
"""

import numpy as np
from trace_accuracy_clips import TruthClip

from mu0.evaluation.traces.track_metrics import tapvid3d
from mu0.geometry.rigid import apply, invert
from mu0.traceextract.tracking.confidence import PIXEL_TOLERANCE_SHARE, TOLERANCE_M
from mu0.traceextract.tracking.world_tracks import WorldTracks

MOVING_M = 0.02
TAPVID_WIDTH_PX = 256
N_BINS = 10  # of the reliability curve
NOBODY = -1
RAW = "_"  # keys of arrays that are pooled and then left out of the JSON


def score(clip: TruthClip, tracks: WorldTracks, truth: np.ndarray, body: np.ndarray) -> dict[str, object]:
    """TAPVid-3D scores and millimetres of one method on one clip.

    Args:
        clip: The clip.
        tracks: What the method found.
        truth: True world positions (t, n, 3) of the same points.
        body: -1 where there is no truth.
    """
    assert tracks.points_world is not None
    points = tracks.points_world.astype(np.float64)
    start, n = tracks.query_frame.astype(int), tracks.n_points
    known = body != NOBODY
    visible = clip.in_view(np.where(known[:, None], truth, 1e3)) & known
    use = np.repeat(known[None], len(points), 0)
    use[start, np.arange(n)] = False
    camera = clip.camera_from_world.astype(np.float64)
    found = tracks.camera_from_world.astype(np.float64)
    seen_by = np.stack([apply(p, x) for p, x in zip(found, points, strict=True)])
    truth_seen_by = np.stack([apply(p, x) for p, x in zip(camera, truth, strict=True)])
    scores = tapvid3d(seen_by, tracks.visible, truth_seen_by, visible, use, float(clip.intrinsics[0, 0]))
    aligned = apply(invert(camera)[0] @ found[0], points)
    error_m = np.linalg.norm(aligned - truth, axis=-1)
    moves = np.zeros(n, bool)
    moves[known] = np.linalg.norm(truth[:, known] - truth[:1, known], axis=-1).max(0) > MOVING_M
    row: dict[str, object] = {
        "apd": 100 * scores.average_points_within_distance,
        "aj": 100 * scores.average_jaccard,
        "oa": 100 * scores.occlusion_accuracy,
        "n_points": n,
        "audited_share": float(known.mean()),
    }
    for name, which in (("moving", moves), ("static", ~moves & known)):
        wanted = use & visible & which
        claimed = wanted & tracks.visible
        raw = {
            f"{RAW}{name}_error_m": error_m[claimed],
            f"{RAW}{name}_hidden_error_m": error_m[use & ~visible & which],
            f"{RAW}{name}_wanted": int(wanted.sum()),
        }
        row |= raw | _millimetres(name, raw)
    row |= {
        f"{RAW}confidence": tracks.confidence[use & known].astype(np.float64),
        f"{RAW}is_right": error_m[use & known] < TOLERANCE_M,
        "moving_flag_accuracy": float((tracks.is_moving == moves)[known].mean()),
    }
    return row


def score_pixels(
    clip: TruthClip, tracks: WorldTracks, truth: np.ndarray, body: np.ndarray
) -> dict[str, object]:
    """TAPVid's 2-D scores of pixel tracks: thresholds of 1 to 16 px in a picture 256 px wide."""
    camera = clip.camera_from_world.astype(np.float64)
    known, n = body != NOBODY, tracks.n_points
    visible = clip.in_view(np.where(known[:, None], truth, 1e3)) & known
    use = np.repeat(known[None], len(truth), 0)
    use[tracks.query_frame, np.arange(n)] = False
    seen_by = np.stack([apply(p, x) for p, x in zip(camera, truth, strict=True)])
    pixel = seen_by[..., :2] / seen_by[..., 2:] * clip.intrinsics[0, 0] + clip.intrinsics[:2, 2]
    one = np.ones((*pixel.shape[:2], 1))
    found, true = np.concatenate([tracks.uv_px, one], -1), np.concatenate([pixel, one], -1)
    scores = tapvid3d(found, tracks.visible, true, visible, use, TAPVID_WIDTH_PX / clip.frames.shape[2])
    moves = known & (np.linalg.norm(np.nan_to_num(truth - truth[:1]), axis=-1).max(0) > MOVING_M)
    off_px = np.linalg.norm(tracks.uv_px - pixel, axis=-1)
    wanted, hidden = use & visible & moves, use & ~visible & moves
    return {
        "aj_2d": 100 * scores.average_jaccard,
        "oa_2d": 100 * scores.occlusion_accuracy,
        "moving_recall_2d": float((wanted & tracks.visible).sum() / max(1, wanted.sum())),
        "moving_median_px": float(np.median(off_px[wanted & tracks.visible])),
        "moving_hidden_median_px": float(np.median(off_px[hidden])) if hidden.any() else float("nan"),
        "n_moving": int(moves.sum()),
        f"{RAW}confidence": tracks.confidence[use & known].astype(np.float64),
        f"{RAW}is_right": off_px[use & known] < PIXEL_TOLERANCE_SHARE * np.hypot(*clip.frames.shape[1:3]),
    }


def _millimetres(name: str, raw: dict[str, object]) -> dict[str, float]:
    error, hidden = np.asarray(raw[f"{RAW}{name}_error_m"]), np.asarray(raw[f"{RAW}{name}_hidden_error_m"])
    nan = float("nan")
    return {
        f"{name}_median_mm": 1e3 * float(np.median(error)) if len(error) else nan,
        f"{name}_p90_mm": 1e3 * float(np.percentile(error, 90)) if len(error) else nan,
        f"{name}_recall": len(error) / max(1, int(raw[f"{RAW}{name}_wanted"])),  # type: ignore[call-overload]
        f"{name}_hidden_median_mm": 1e3 * float(np.median(hidden)) if len(hidden) else nan,
    }


def reliability(confidence: np.ndarray, is_right: np.ndarray) -> dict[str, object]:
    """How often positions are right among those with equal confidence.

    Returns:
        `ece`, the expected calibration error: the mean distance between the confidence and the share that is
        right over ten equal bins, weighted by their content; `brier`, the mean squared error of the
        confidence as a forecast; and the curve as (mean confidence, share right, count) per bin.
    """
    cell = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    count = np.bincount(cell, minlength=N_BINS)
    filled = np.maximum(count, 1)
    said = np.bincount(cell, confidence, N_BINS) / filled
    right = np.bincount(cell, is_right, N_BINS) / filled
    curve = zip(said.round(3).tolist(), right.round(3).tolist(), count.tolist(), strict=True)
    return {
        "ece": float((np.abs(said - right) * count).sum() / count.sum()),
        "brier": float(((confidence - is_right) ** 2).mean()),
        "share_right": float(is_right.mean()),
        "curve": [entry for entry in curve if entry[2]],
    }


def pooled(rows: list[dict[str, object]]) -> dict[str, dict[str, dict[str, object]]]:
    """By set and method: means of the clips' shares, millimetres over all their points."""
    summary: dict[str, dict[str, dict[str, object]]] = {}
    for group in dict.fromkeys((str(row["set"]), str(row["method"])) for row in rows):
        same = [row for row in rows if (row["set"], row["method"]) == group]
        numbers = [k for k, v in same[0].items() if isinstance(v, float | int) and not k.startswith(RAW)]
        found = {key: float(np.nanmean([row[key] for row in same])) for key in numbers}  # type: ignore[misc]
        is_3d = "aj" in same[0]
        for name in ("moving", "static") if is_3d else ():
            raw: dict[str, object] = {
                key: np.concatenate([row[key] for row in same])  # type: ignore[misc]
                for key in (f"{RAW}{name}_error_m", f"{RAW}{name}_hidden_error_m")
            }
            raw[f"{RAW}{name}_wanted"] = sum(row[f"{RAW}{name}_wanted"] for row in same)  # type: ignore[misc]
            found |= _millimetres(name, raw)
        found["n_clips"] = len(same)
        rounded: dict[str, object] = {key: round(value, 4) for key, value in found.items()}
        summary.setdefault(group[0], {})[group[1]] = rounded
        confidence, is_right = (
            np.concatenate([row[f"{RAW}{key}"] for row in same])  # type: ignore[misc]
            for key in ("confidence", "is_right")
        )
        rounded["reliability"] = reliability(confidence, is_right)
    return summary
