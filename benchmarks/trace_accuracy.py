"""Extraction accuracy on exact simulated truth: ours beside its ablations, same clips, same keypoints.

    python benchmarks/trace_accuracy.py --out trace_accuracy.json           # held-out clips
    python benchmarks/trace_accuracy.py --tuning --cache DIR --out ...      # while settings are chosen

Half of the clips have a still camera with given poses, half a moving camera whose path has to be estimated;
`trace_accuracy_clips` says what else varies. Methods
    ours          rigid re-acquisition, unexplained points dropped (their share is printed)
    ours_all      the same without dropping: the same points as below
    no_rigid      Lucas-Kanade with undo, correlation and depth checks; hidden points are interpolated
    lucas_kanade  the same without checks
    pixels, pixels_once   without depth: with, and without, looking for lost points again (2-D scores)
Truth is the surface point behind the keypoint's pixel, so the error of lifting that pixel is in all numbers.
Scores are TAPVid-3D's (camera space, no rescaling); millimetres are in the world, of points that are truly
in view and claimed to be, the world being aligned at the first camera. `recall` is the share of truly visible
frames that are claimed. The frame of choice counts nowhere. `ate_covered_m` is the error of the camera path
when the lens is covered for six frames in the middle of the clip.
"""

import json
import os
import platform
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
from trace_accuracy_clips import SIZE_PX, ClipPlan, TruthClip, load_clip
from trace_accuracy_score import pooled, score, score_pixels
from trace_accuracy_workers import measure_all, read_options

from mu0.geometry.rigid import apply, fit_rigid, invert
from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import Footage, Keypoints, PixelTracks, Reconstruction
from mu0.traceextract.bodies.assembly import AssemblySettings, assemble_3d
from mu0.traceextract.keypoints.choice import choose
from mu0.traceextract.pixels.assembly_2d import PixelSettings, assemble_2d
from mu0.traceextract.reconstruction.depth_and_path import pixels_only, reconstruct_rgbd
from mu0.traceextract.reconstruction.odometry import estimate_path
from mu0.traceextract.tracking.confidence import GROWS_WITH_EVIDENCE, TABLE, fit_table
from mu0.traceextract.tracking.lifting import lift, project
from mu0.traceextract.tracking.lucas_kanade import follow
from mu0.traceextract.tracking.lucas_kanade_step import LucasKanadeSettings
from mu0.traceextract.tracking.world_tracks import WorldTracks, fill_gaps

COVERED_FRAMES = 6
UNCHECKED = {"undo_limit_px": 1e9, "step_correlation": -2.0, "query_correlation": -2.0, "depth_jump_m": 1e9}


def methods(
    footage: Footage, scene: Reconstruction, chosen: Keypoints, helpers: Keypoints, seed: int
) -> dict[str, WorldTracks]:
    """World tracks of every method from the same keypoints."""
    everyone = chosen.joined(helpers)
    n_helpers = len(helpers.frame)
    settings = LucasKanadeSettings.for_width(footage.image_size_px[0])
    checked = follow(footage.grey, scene.depth_m, everyone, settings)
    unchecked = LucasKanadeSettings(**{**vars(settings), **UNCHECKED})
    plain = follow(footage.grey, None, chosen, unchecked)
    is_main = np.arange(len(everyone.frame)) < len(chosen.frame)
    everything = AssemblySettings(seed=seed, drop_unexplained=False)
    ours_all = assemble_3d(checked, everyone, n_helpers, scene, everything)
    return {
        "ours": assemble_3d(checked, everyone, n_helpers, scene, AssemblySettings(seed=seed)),
        "ours_all": ours_all,
        "no_rigid": without_bodies(checked[is_main], chosen.frame, scene),
        "lucas_kanade": without_bodies(plain, chosen.frame, scene),
    }


def without_bodies(tracks: PixelTracks, query_frame: np.ndarray, scene: Reconstruction) -> WorldTracks:
    """Lifted pixel tracks, interpolated where not seen."""
    poses = scene.camera_from_world
    world, seen = lift(tracks, scene.depth_m, scene.intrinsics, poses)
    kept = np.flatnonzero(seen[query_frame, np.arange(len(query_frame))])
    world, seen = fill_gaps(world, seen)[:, kept].astype(np.float32), seen[:, kept]
    uv, _ = project(world, scene.intrinsics, poses)
    return WorldTracks(
        world, uv.astype(np.float32), seen, seen.astype(np.float32), query_frame[kept].astype(np.int32),
        np.zeros(len(kept), np.int32), np.ones(len(kept), bool), scene.intrinsics, poses, scene.pose_source,
        keypoint=kept.astype(np.int32),
    )  # fmt: skip


def without_depth(footage: Footage, chosen: Keypoints, params: ExtractParams) -> dict[str, WorldTracks]:
    """Pixel tracks as a clip without depth gets them."""
    scene = pixels_only(footage, "for comparison")
    settings = LucasKanadeSettings.for_width(footage.image_size_px[0])
    once = LucasKanadeSettings(**{**vars(settings), "looks_again": False})
    limits = PixelSettings(params.movement_share)
    return {
        name: assemble_2d(follow(footage.grey, None, chosen, how), chosen, scene, footage.grey, limits)
        for name, how in (("pixels", settings), ("pixels_once", once))
    }


def covered_error_m(clip: TruthClip) -> dict[str, float]:
    """ATE when the lens is covered, and the frames that count as lost."""
    grey, depth_m = footage_of(clip).grey.copy(), clip.depth_m.copy()
    begin = len(grey) // 2
    grey[begin : begin + COVERED_FRAMES], depth_m[begin : begin + COVERED_FRAMES] = 0, 0
    path = estimate_path(grey, depth_m, clip.intrinsics)
    error_m = trajectory_error_m(clip, path.camera_from_world)
    return {"ate_covered_m": error_m, "n_lost_covered": float(path.is_lost.sum())}


def trajectory_error_m(clip: TruthClip, camera_from_world: np.ndarray) -> float:
    """ATE: root mean square camera position error after rigid alignment."""
    true, found = invert(clip.camera_from_world)[:, :3, 3], invert(camera_from_world)[:, :3, 3]
    return float(np.sqrt(((apply(fit_rigid(found, true), found) - true) ** 2).sum(1).mean()))


def footage_of(clip: TruthClip) -> Footage:
    """What an extractor may see: poses only if the camera stands still."""
    poses = None if clip.plan.moving_camera else clip.camera_from_world
    return Footage(clip.frames, clip.depth_m, clip.intrinsics, poses, np.arange(len(clip.frames)), 10.0)


def measure(plan: ClipPlan, cache: Path | None, *, fits: bool) -> list[dict[str, object]]:
    """Rows of one clip, one per method; if `fits`, the confidence is the number of the table's entry."""
    cv2.setNumThreads(1)
    if fits:
        TABLE.flat[:] = np.arange(TABLE.size)
    clip = load_clip(plan, cache)
    footage, params = footage_of(clip), ExtractParams()
    started = time.process_time()
    scene = reconstruct_rgbd(footage)
    pose_ms = 1e3 * (time.process_time() - started) / len(clip.frames)
    base = {
        "clip": plan.name,
        "set": "moving camera, estimated pose" if plan.moving_camera else "still camera",
        "n_frames": len(clip.frames),
    }
    if plan.moving_camera:
        ate_m = trajectory_error_m(clip, scene.camera_from_world)
        base |= {"ate_m": ate_m, "pose_ms": pose_ms, "note": scene.note, **covered_error_m(clip)}
    chosen, helpers = choose(footage, scene, params)
    found = methods(footage, scene, chosen, helpers, params.seed)
    truth, body = clip.truth_of(chosen.frame, chosen.pixel, depth_at(chosen, scene))
    rows = []
    for method, tracks in found.items():
        assert tracks.keypoint is not None
        row = score(clip, tracks, truth[:, tracks.keypoint], body[tracks.keypoint])
        rows.append({**base, "method": method, **row, "kept_share": tracks.n_points / len(chosen.frame)})
    for method, tracks in without_depth(footage, chosen, params).items():
        assert tracks.keypoint is not None
        row = score_pixels(clip, tracks, truth[:, tracks.keypoint], body[tracks.keypoint])
        rows.append({**base, "method": method, **row, "kept_share": tracks.n_points / len(chosen.frame)})
    return rows


def depth_at(points: Keypoints, scene: Reconstruction) -> np.ndarray:
    """Measured depth at the keypoints, 0 where there is none."""
    assert scene.depth_m is not None
    column, row = np.rint(points.pixel).astype(int).T
    return scene.depth_m[points.frame, row, column]


def print_confidence_tables(rows: list[dict[str, object]]) -> None:
    """What `TABLE` of `mu0.traceextract.tracking.confidence` should be."""
    own = [row for row in rows if row["method"] == "ours"]
    cell = np.concatenate([row["_confidence"] for row in own]).astype(int)
    is_right = np.concatenate([row["_is_right"] for row in own])
    count = np.bincount(cell, minlength=TABLE.size).reshape(TABLE.shape).tolist()
    for line, counts in zip(
        fit_table(cell, is_right, GROWS_WITH_EVIDENCE).round(3).tolist(), count, strict=True
    ):
        print(f"        {line},  # {counts}")


def main() -> None:
    """Measure all clips and write the JSON."""
    options = read_options(__doc__, Path("trace_accuracy.json"))
    started = time.perf_counter()
    rows = [row for found in measure_all(measure, options) for row in found]
    if options.fit_confidence:
        print_confidence_tables(rows)
        return
    head = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    commit = subprocess.run(head, capture_output=True, text=True, check=False)
    result = {
        "seeds": options.seeds,
        "commit": commit.stdout.strip(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {options.workers} workers",
        "size_px": SIZE_PX,
        "seconds": round(time.perf_counter() - started, 1),
        "summary": pooled(rows),
        "clips": [{key: value for key, value in row.items() if not key.startswith("_")} for row in rows],
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["summary"], indent=1))


if __name__ == "__main__":
    main()
