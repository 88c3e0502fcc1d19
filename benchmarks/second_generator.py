"""Extraction in a second world that no threshold was chosen on: who lies on the table, how far off is it?

    python benchmarks/second_generator.py --cache DIR --out second_generator.json

10 clips with a still camera and given poses, 10 others with a moving one whose path is estimated
(`second_generator_scene`). Truth is cast as rays. Thresholds of extraction are chosen on the project's own
simulator (`trace_accuracy.py --tuning`), never here.

    resting_row_share      of the official rows that are seen at their anchor: those whose anchor pixel, at
                           their depth, lies on a surface that never moves
    resting_track_share    of the tracks behind the official rows: those whose keypoint lies on such a one
    moving_*_mm            official tracks on things that move, where they are truly in view and claimed
    moving_recall          of the truly visible frames of these tracks: those that are claimed
    chosen_recall          the same of all keypoints chosen on things that move: what was dropped counts
    n_resting_rows         rows of `resting/`, and resting_wrong_share: those on something that moves
"""

import json
import os
import platform
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from second_generator_scene import load_clip, plans
from trace_accuracy import depth_at, footage_of, trajectory_error_m
from trace_accuracy_clips import ClipPlan, TruthClip
from trace_accuracy_score import MOVING_M, RAW, score

from mu0.params.extract import ExtractParams
from mu0.processes.pool import WorkerPool
from mu0.traceextract.keypoints.choice import choose, n_keypoints
from mu0.traceextract.long_clips.following import track
from mu0.traceextract.reconstruction.depth_and_path import reconstruct_rgbd
from mu0.traceextract.samples.anchor_views import sample_traces
from mu0.traceextract.samples.place_rows import resting_rows
from mu0.traceextract.tracking.world_tracks import WorldTracks

MOVED_M = 0.005
PARAMS = ExtractParams()
PER_POINT = ("query_frame", "entity", "is_moving", "keypoint", "rides_on")
PER_FRAME = ("points_world", "uv_px", "visible", "confidence")


def measure(plan: ClipPlan, cache: Path | None) -> dict[str, object]:
    """The row of one clip."""
    cv2.setNumThreads(1)
    clip = load_clip(plan, cache)
    footage = footage_of(clip)
    started = time.process_time()
    scene = reconstruct_rgbd(footage)
    keypoints, helpers = choose(footage, scene, PARAMS)
    tracks = track(footage, scene, (keypoints, helpers), PARAMS)
    sampled = sample_traces(tracks, clip.frames.shape[1:3], PARAMS)
    seconds = time.process_time() - started
    assert sampled.samples is not None
    assert sampled.retiming is not None
    assert tracks.keypoint is not None
    samples, rows = sampled.samples, sampled.retiming.track_ids
    truth, body = clip.truth_of(keypoints.frame, keypoints.pixel, depth_at(keypoints, scene))
    official = np.unique(rows)
    of_official = tracks.keypoint[official]
    anchors = np.repeat(samples.frame_indices, np.diff(samples.offsets))
    seen = samples.visibs > 0
    place = samples.raw_traj[seen, 0].astype(np.float64)
    at_anchor = body_at(clip, anchors[seen], place)
    scored = score(clip, subset(tracks, official), truth[:, of_official], body[of_official])
    wanted = visible_frames_of_movers(clip, keypoints.frame, truth, body)
    rests = resting_bodies(clip)
    return {
        "clip": plan.name,
        "set": "moving camera, estimated pose" if plan.moving_camera else "still camera",
        "ms_per_frame": 1e3 * seconds / len(clip.frames),
        "ate_mm": 1e3 * trajectory_error_m(clip, scene.camera_from_world),
        "n_rows": len(rows),
        "n_tracks": len(official),
        "n_seen_rows": int((at_anchor >= 0).sum()),
        "n_rows_on_resting": int(rests[at_anchor[at_anchor >= 0]].sum()),
        "n_tracks_on_resting": int(rests[body[of_official][body[of_official] >= 0]].sum()),
        "n_known_tracks": int((body[of_official] >= 0).sum()),
        "n_wanted": wanted,
        "dropped": tracks.dropped,
        **resting_of(clip, tracks, samples.frame_indices.tolist(), n_keypoints(footage, PARAMS)),
        **{key: value for key, value in scored.items() if "moving" in key},
    }


def body_at(clip: TruthClip, frames: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The body behind places (x px, y px, z m) of some frames; -1 where there is none."""
    near = place[:, 2] > 0
    found = np.full(len(place), -1)
    if near.any():
        inside = place[near, :2].clip(0, np.array(clip.frames.shape[2:0:-1]) - 1.0)
        found[near] = clip.truth_of(frames[near], inside, place[near, 2])[1]
    return found


def resting_of(clip: TruthClip, tracks: WorldTracks, anchors: list[int], budget: int) -> dict[str, int]:
    """Rows of `resting/`, and those that lie on something that moves."""
    size_px = clip.frames.shape[1:3]
    rows = resting_rows(tracks, size_px, round(PARAMS.resting_budget_share * budget), anchors)
    if rows is None:
        return {"n_resting_rows": 0, "n_resting_wrong": 0}
    frames = np.repeat(rows.frame_indices, np.diff(rows.offsets))
    body = body_at(clip, frames, rows.places.astype(np.float64))
    wrong = ~resting_bodies(clip)[body[body >= 0]]
    return {"n_resting_rows": rows.n_rows, "n_resting_wrong": int(wrong.sum())}


def resting_bodies(clip: TruthClip) -> np.ndarray:
    """Bodies that neither go nor turn in the whole clip."""
    off = np.abs(clip.body_poses - clip.body_poses[:1]).max(0)
    return (off[:, :3, 3].max(1) < MOVED_M) & (off[:, :3, :3].max((1, 2)) < MOVED_M * 10)


def visible_frames_of_movers(clip: TruthClip, start: np.ndarray, truth: np.ndarray, body: np.ndarray) -> int:
    """Frames, but those of choice, in which the keypoints on things that move are truly in view."""
    known = body >= 0
    moves = known & (np.linalg.norm(np.nan_to_num(truth - truth[:1]), axis=-1).max(0) > MOVING_M)
    which = np.flatnonzero(moves)
    in_view = clip.in_view(truth[:, which])
    in_view[start[which], np.arange(len(which))] = False
    return int(in_view.sum())


def subset(tracks: WorldTracks, which: np.ndarray) -> WorldTracks:
    """Some of the tracks."""
    own = {name: getattr(tracks, name)[which] for name in PER_POINT}
    return replace(tracks, **own, **{name: getattr(tracks, name)[:, which] for name in PER_FRAME})


def pooled(rows: list[dict[str, object]]) -> dict[str, object]:
    """The clips of one set together."""

    def total(name: str) -> int:
        return sum(int(row[name]) for row in rows)  # type: ignore[call-overload]

    error_m = np.concatenate([np.asarray(row[f"{RAW}moving_error_m"]) for row in rows])
    found: dict[str, object] = {
        "n_clips": len(rows),
        "n_rows": total("n_rows"),
        "resting_row_share": total("n_rows_on_resting") / max(1, total("n_seen_rows")),
        "resting_track_share": total("n_tracks_on_resting") / max(1, total("n_known_tracks")),
        "moving_median_mm": 1e3 * float(np.median(error_m)),
        "moving_p90_mm": 1e3 * float(np.percentile(error_m, 90)),
        "moving_recall": len(error_m) / max(1, total(f"{RAW}moving_wanted")),
        "chosen_recall": len(error_m) / max(1, total("n_wanted")),
        "n_resting_rows": total("n_resting_rows"),
        "resting_wrong_share": total("n_resting_wrong") / max(1, total("n_resting_rows")),
        "ate_mm": float(np.mean([row["ate_mm"] for row in rows])),  # type: ignore[misc]
        "ms_per_frame": float(np.mean([row["ms_per_frame"] for row in rows])),  # type: ignore[misc]
    }
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in found.items()}


def main() -> None:
    """Measure all clips and write the JSON."""
    import argparse

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("second_generator.json"))
    parser.add_argument("--clips", type=int, default=10, help="of each kind of camera")
    parser.add_argument("--cache", type=Path, help="keep recorded clips here (170 MB each)")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    os.environ["LP_NUM_THREADS"] = "0"
    asked, rows = plans(options.clips), []
    with WorkerPool(options.workers) as pool:
        for row in pool.map(partial(measure, cache=options.cache), asked):
            rows.append(row)
            sys.stderr.write(f"{len(rows)}/{len(asked)} {row['clip']}\n")
    kinds = dict.fromkeys(str(row["set"]) for row in rows)
    summary = {kind: pooled([row for row in rows if row["set"] == kind]) for kind in kinds}
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {options.workers} workers",
        "summary": summary,
        "clips": [{key: value for key, value in row.items() if not key.startswith(RAW)} for row in rows],
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
