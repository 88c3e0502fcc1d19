"""How good are traces without depth? The clips of `trace_accuracy.py`, seen in colours only.

    python benchmarks/trace_accuracy_pixels.py --out trace_accuracy_pixels.json   # held-out clips
    python benchmarks/trace_accuracy_pixels.py --tuning --cache DIR               # while settings are chosen

Here everything is done without depth, the choice of keypoints too. Truth is the surface point behind each
keypoint, carried with its body (`trace_accuracy_clips`). Scores
    recall          of the frames in which a truly moving point is in view, how many it is claimed in, alive
    median_px, p90_px   error of truly moving points wherever they are claimed, whether in view or not
    bridged_px      median error of moving points that are alive but not seen
    aj, oa          TAPVid's, at 1 to 16 px of a picture 256 px wide; outside its life a point is hidden
    surface_recall  probes on a grid on whatever moves right now: how many have a right, moving, claimed point
                    within `NEAR_PX`? It asks whether new points replace those that were lost
    n_movers        tracks that are called moving, per clip; stray_share: those that are wrong (more than
                    `WRONG_PX` off in a quarter of their claimed frames, or on something still)
"""

import json
from pathlib import Path

import cv2
import numpy as np
from trace_accuracy_clips import SIZE_PX, ClipPlan, TruthClip, load_clip
from trace_accuracy_score import MOVING_M, TAPVID_WIDTH_PX, reliability
from trace_accuracy_workers import measure_all, read_options

from mu0.evaluation.traces.track_metrics import tapvid3d
from mu0.geometry.rigid import apply
from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import Footage
from mu0.traceextract.keypoints.choice import choose
from mu0.traceextract.long_clips.following import track
from mu0.traceextract.reconstruction.depth_and_path import pixels_only
from mu0.traceextract.tracking.confidence import PIXEL_TABLE, PIXEL_TOLERANCE_SHARE, fit_table
from mu0.traceextract.tracking.world_tracks import WorldTracks

NEAR_PX, WRONG_PX, WRONG_SHARE = 24.0, 8.0, 0.25
PROBE_EVERY, PROBE_STEP_PX = 5, 16
MOVES_NOW_M, NOW_FRAMES = 0.005, 2
RAW = "_"


def measure(plan: ClipPlan, cache: Path | None, *, fits: bool) -> dict[str, object]:
    """Scores of one clip; if `fits`, the confidence is the number of the table's entry."""
    cv2.setNumThreads(1)
    if fits:
        PIXEL_TABLE.flat[:] = np.arange(PIXEL_TABLE.size)
    clip, params = load_clip(plan, cache), ExtractParams()
    footage = Footage(clip.frames, None, clip.intrinsics, None, np.arange(len(clip.frames)), 10.0)
    scene = pixels_only(footage, "colours only")
    tracks = track(footage, scene, choose(footage, scene, params), params)
    start = tracks.query_frame.astype(int)
    chosen = tracks.uv_px[start, np.arange(tracks.n_points)].astype(np.float64)
    column, row = np.rint(chosen).astype(int).T
    truth, body = clip.truth_of(start, chosen, clip.depth_m[start, row, column])
    return {"clip": plan.name, **score(clip, tracks, truth, body != -1)}


def score(clip: TruthClip, tracks: WorldTracks, truth: np.ndarray, known: np.ndarray) -> dict[str, object]:
    """All scores of one clip.

    Args:
        clip: The clip.
        tracks: What the extractor found.
        truth: True world positions (t, n, 3) of its points.
        known: Points that have a truth.
    """
    in_view = clip.in_view(np.where(known[:, None], truth, 1e3)) & known
    pixel = pixels_of(clip, truth)
    lives = getattr(tracks, "lives", None)
    lives = np.ones(tracks.visible.shape, bool) if lives is None else lives
    use = np.repeat(known[None], len(truth), 0)
    use[tracks.query_frame, np.arange(tracks.n_points)] = False
    claimed = tracks.visible & lives
    one = np.ones((*pixel.shape[:2], 1))
    found, true = np.concatenate([tracks.uv_px, one], -1), np.concatenate([pixel, one], -1)
    tapvid = tapvid3d(found, claimed, true, in_view, use, TAPVID_WIDTH_PX / clip.frames.shape[2])
    off_px = np.linalg.norm(tracks.uv_px - pixel, axis=-1)
    moves = known & (np.linalg.norm(np.nan_to_num(truth - truth[:1]), axis=-1).max(0) > MOVING_M)
    with np.errstate(invalid="ignore"):
        wrong = (off_px > WRONG_PX) & claimed & use
    is_stray = (wrong.sum(0) > WRONG_SHARE * (claimed & use).sum(0)) | ~moves
    movers = tracks.is_moving & known
    tolerance_px = PIXEL_TOLERANCE_SHARE * np.hypot(*clip.frames.shape[1:3])
    living = use & lives
    right = claimed & (off_px < WRONG_PX) & tracks.is_moving
    covered, n_probes = surface_recall(clip, tracks.uv_px, right)
    return {
        "aj": 100 * tapvid.average_jaccard,
        "oa": 100 * tapvid.occlusion_accuracy,
        "n_points": tracks.n_points,
        "n_movers": int(movers.sum()),
        "n_strays": int((movers & is_stray).sum()),
        "n_truly_moving": int(moves.sum()),
        "n_wanted": int((use & in_view & moves).sum()),
        "n_claimed": int((use & in_view & moves & claimed).sum()),
        "n_probes": n_probes,
        "n_covered": covered,
        f"{RAW}off_px": off_px[claimed & use & moves],
        f"{RAW}bridged_px": off_px[living & ~claimed & moves],
        f"{RAW}confidence": tracks.confidence[living].astype(np.float64),
        f"{RAW}is_right": off_px[living] < tolerance_px,
    }


def pixels_of(clip: TruthClip, points_world: np.ndarray) -> np.ndarray:
    """Pixels (t, n, 2) of world points (t, n, 3)."""
    camera = clip.camera_from_world.astype(np.float64)
    seen_by = np.stack([apply(p, x) for p, x in zip(camera, points_world, strict=True)])
    return seen_by[..., :2] / seen_by[..., 2:] * clip.intrinsics[0, 0] + clip.intrinsics[:2, 2]


def surface_recall(clip: TruthClip, found_px: np.ndarray, right: np.ndarray) -> tuple[int, int]:
    """Probes on what moves right now that have a right point nearby, and all of them."""
    width, height = SIZE_PX
    half = PROBE_STEP_PX // 2
    x, y = np.meshgrid(np.arange(half, width, PROBE_STEP_PX), np.arange(half, height, PROBE_STEP_PX))
    grid = np.stack([x.ravel(), y.ravel()], 1).astype(np.float64)
    frames = np.arange(NOW_FRAMES, len(clip.frames) - NOW_FRAMES, PROBE_EVERY)
    at, where = np.repeat(frames, len(grid)), np.tile(grid, (len(frames), 1))
    exact = clip.depth_m[at, where[:, 1].astype(int), where[:, 0].astype(int)]
    points, body = clip.truth_of(at, where, exact)
    probe = np.arange(len(at))
    step = points[at + NOW_FRAMES, probe] - points[at - NOW_FRAMES, probe]
    wanted = np.flatnonzero((body != -1) & (np.linalg.norm(np.nan_to_num(step), axis=-1) > MOVES_NOW_M))
    covered = 0
    for frame in frames:
        mine = wanted[at[wanted] == frame]
        good = np.flatnonzero(right[frame])
        if len(mine) and len(good):
            far = np.linalg.norm(where[mine, None] - found_px[frame, good][None], axis=-1)
            covered += int((far.min(1) < NEAR_PX).sum())
    return covered, len(wanted)


def summary(rows: list[dict[str, object]]) -> dict[str, object]:
    """Over all points and frames of the clips; AJ and OA are means of the clips."""

    def total(name: str) -> int:
        return sum(int(row[name]) for row in rows)  # type: ignore[call-overload]

    def pooled(name: str) -> np.ndarray:
        return np.concatenate([np.asarray(row[f"{RAW}{name}"]) for row in rows])

    off_px, bridged_px = pooled("off_px"), pooled("bridged_px")
    own = reliability(pooled("confidence"), pooled("is_right"))
    return {
        "n_clips": len(rows),
        "recall": total("n_claimed") / max(1, total("n_wanted")),
        "median_px": float(np.median(off_px)),
        "p90_px": float(np.percentile(off_px, 90)),
        "share_wrong": float((off_px > WRONG_PX).mean()),
        "bridged_median_px": float(np.median(bridged_px)) if len(bridged_px) else None,
        "bridged_share": len(bridged_px) / max(1, len(bridged_px) + len(off_px)),
        "aj": float(np.nanmean([row["aj"] for row in rows])),  # type: ignore[misc]
        "oa": float(np.nanmean([row["oa"] for row in rows])),  # type: ignore[misc]
        "surface_recall": total("n_covered") / max(1, total("n_probes")),
        "movers_per_clip": total("n_movers") / len(rows),
        "stray_share": total("n_strays") / max(1, total("n_movers")),
        "mean_confidence": float(pooled("confidence").mean()),
        "ece": own["ece"],
    }


def print_table(rows: list[dict[str, object]]) -> None:
    """What `PIXEL_TABLE` of `mu0.traceextract.tracking.confidence` should be."""
    cell = np.concatenate([np.asarray(row[f"{RAW}confidence"]) for row in rows]).astype(int)
    is_right = np.concatenate([np.asarray(row[f"{RAW}is_right"]) for row in rows])
    grows = np.array([True] * (len(PIXEL_TABLE) - 1) + [False])
    print(fit_table(cell, is_right, grows).round(3).tolist())
    print(np.bincount(cell, minlength=PIXEL_TABLE.size).reshape(PIXEL_TABLE.shape).tolist())


def main() -> None:
    """Measure all clips and write the JSON."""
    options = read_options(__doc__, Path("trace_accuracy_pixels.json"))
    rows = list(measure_all(measure, options))
    if options.fit_confidence:
        print_table(rows)  # the summary's confidence means nothing then
    sets = {"all": rows}
    sets |= {name: [row for row in rows if name in str(row["clip"])] for name in ("still", "moving")}
    result = {
        "seeds": options.seeds,
        "size_px": SIZE_PX,
        "summary": {name: summary(some) for name, some in sets.items() if some},
        "clips": [{key: value for key, value in row.items() if not key.startswith(RAW)} for row in rows],
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["summary"], indent=1))


if __name__ == "__main__":
    main()
