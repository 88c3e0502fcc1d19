"""Extraction accuracy on exact simulated truth: ours beside plain Lucas-Kanade, same clips, same keypoints.

    python benchmarks/trace_accuracy.py --out trace_accuracy.json

Three sets of clips that no setting was tuned on: still camera with noisy depth; moving camera with given
poses; moving camera whose path has to be estimated. Methods
    ours          rigid re-acquisition, unexplained points dropped (their share is printed)
    ours_all      the same without dropping: the same points as below
    no_rigid      Lucas-Kanade with undo, correlation and depth checks; hidden points are interpolated
    lucas_kanade  the same without checks
A point is carried by its true body from where the method itself puts it in its query frame, so errors are
what the track gathers from there on; the error of lifting the query pixel is not in them. Scores are
TAPVid-3D's (camera space, no rescaling); millimetres are in the world, aligned at the first camera. Truth
is drawn ten times denser than usual, so that a keypoint finds its body within 1 cm.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from mu0.envs import ground_truth
from mu0.evaluation.track_metrics import (
    NOBODY,
    carry_with_bodies,
    distance_errors,
    tapvid3d,
    visible_by_depth,
)
from mu0.geometry.rigid import apply, invert
from mu0.params.extract import ExtractParams
from mu0.params.raw_videos import SimulatedSource
from mu0.sources.simulated import RecordedClip, record_clip
from mu0.traceextract.assembly import AssemblySettings, assemble_3d
from mu0.traceextract.backends.interfaces import Footage, PixelTracks, Reconstruction
from mu0.traceextract.engine import choose
from mu0.traceextract.reacquisition import fill_gaps
from mu0.traceextract.reconstruction import reconstruct_rgbd
from mu0.traceextract.tracking import LucasKanadeSettings, follow, lift, project
from mu0.traceextract.tracks import WorldTracks

HELD_OUT_SEED = 77_000
DENSITY = 10
NEAR_M = 0.01
SETS = {"still": (0.0, True), "moving_given": (1.0, True), "moving_estimated": (1.0, False)}
UNCHECKED = {"undo_limit_px": 1e9, "step_correlation": -2.0, "query_correlation": -2.0, "depth_jump_m": 1e9}


def record(embodiment: str, index: int, size_px: tuple[int, int], moving_share: float) -> RecordedClip:
    """One held-out clip with dense truth."""
    source = SimulatedSource(
        kind="simulated",
        embodiment=embodiment,
        n_clips=1000,
        width_px=size_px[0],
        height_px=size_px[1],
        moving_camera_share=moving_share,
        seed=HELD_OUT_SEED,
    )
    return record_clip(source, 2 * index)


def methods(footage: Footage, scene: Reconstruction, params: ExtractParams) -> dict[str, WorldTracks]:
    """World tracks of every method from the same keypoints."""
    chosen, helpers = choose(footage, scene, params)
    everyone = chosen.joined(helpers)
    n_helpers = len(helpers.frame)
    settings = LucasKanadeSettings.for_width(footage.image_size_px[0])
    checked = follow(footage.grey, scene.depth_m, everyone, settings)
    unchecked = LucasKanadeSettings(**{**vars(settings), **UNCHECKED})
    plain = follow(footage.grey, None, chosen, unchecked)
    is_main = np.arange(len(everyone.frame)) < len(chosen.frame)
    everything = AssemblySettings(seed=params.seed, drop_unexplained=False)
    ours_all = assemble_3d(checked, everyone, n_helpers, scene, everything)
    return {
        "ours": assemble_3d(checked, everyone, n_helpers, scene, AssemblySettings(seed=params.seed)),
        "ours_all": ours_all,
        "no_rigid": without_bodies(checked[is_main], ours_all, chosen.frame, scene),
        "lucas_kanade": without_bodies(plain, ours_all, chosen.frame, scene),
    }


def without_bodies(
    tracks: PixelTracks, like: WorldTracks, query_frame: np.ndarray, scene: Reconstruction
) -> WorldTracks:
    """Lifted pixel tracks, interpolated where not seen."""
    poses = scene.camera_from_world
    world, seen = lift(tracks, scene.depth_m, scene.intrinsics, poses)
    has_start = seen[query_frame, np.arange(len(query_frame))]
    world, seen = fill_gaps(world, seen)[:, has_start].astype(np.float32), seen[:, has_start]
    uv, _ = project(world, scene.intrinsics, poses)
    return WorldTracks(
        world, uv.astype(np.float32), seen, seen.astype(np.float32), query_frame[has_start].astype(np.int32),
        np.zeros(has_start.sum(), np.int32), np.ones(has_start.sum(), bool), like.intrinsics,
        like.camera_from_world, like.pose_source,
    )  # fmt: skip


def score(clip: RecordedClip, tracks: WorldTracks) -> dict[str, float]:
    """TAPVid-3D scores and millimetres of one method on one clip."""
    camera = clip.camera_from_world.astype(np.float64)
    n = tracks.n_points
    points = tracks.points_world.astype(np.float64)
    seen_by = np.stack(
        [apply(p, x) for p, x in zip(tracks.camera_from_world.astype(np.float64), points, strict=True)]
    )
    world_from_camera = invert(camera)
    start = tracks.query_frame.astype(int)
    chosen = np.stack([apply(world_from_camera[f], seen_by[f, i]) for i, f in enumerate(start)])
    truth, body = carry_with_bodies(chosen, start, clip.truth.points_world, clip.truth.visible, NEAR_M)
    truth_seen_by = np.stack([apply(p, x) for p, x in zip(camera, truth, strict=True)])
    known = body != NOBODY
    visible = visible_by_depth(truth_seen_by, clip.depth_m, clip.intrinsics) & known
    use = np.repeat(known[None], len(points), 0)
    use[start, np.arange(n)] = False
    focal_px = float(np.sqrt(clip.intrinsics[0, 0] * clip.intrinsics[1, 1]))
    scores = tapvid3d(seen_by, tracks.visible, truth_seen_by, visible, use, focal_px)
    aligned = apply(world_from_camera[0] @ tracks.camera_from_world[0].astype(np.float64), points)
    moves = np.zeros(n, bool)
    moves[known] = np.linalg.norm(truth[:, known] - truth[:1, known], axis=-1).max(0) > 0.02
    result = {
        "apd": 100 * scores.average_points_within_distance,
        "aj": 100 * scores.average_jaccard,
        "oa": 100 * scores.occlusion_accuracy,
        "n_points": n,
        "audited_share": float(known.mean()),
    }
    for name, which in (("moving", moves), ("static", ~moves & known)):
        wanted = use & visible & which
        both = wanted & tracks.visible
        result |= {f"{name}_{key}": value for key, value in distance_errors(aligned, truth, both).items()}
        result[f"{name}_recall"] = float(both.sum() / max(1, wanted.sum()))
    return result


def trajectory_error_m(clip: RecordedClip, scene: Reconstruction) -> float:
    """ATE: root mean square camera position error after rigid alignment."""
    from mu0.geometry.rigid import fit_rigid

    true, found = invert(clip.camera_from_world)[:, :3, 3], invert(scene.camera_from_world)[:, :3, 3]
    return float(np.sqrt(((apply(fit_rigid(found, true), found) - true) ** 2).sum(1).mean()))


def main() -> None:
    """Run all sets and write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("trace_accuracy.json"))
    parser.add_argument("--clips", type=int, default=8, help="per set, half robot and half hand")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for entity in ground_truth.POINTS_PER_ENTITY:
        ground_truth.POINTS_PER_ENTITY[entity] *= DENSITY
    params = ExtractParams()
    rows = []
    for name in options.sets:
        moving_share, known_poses = SETS[name]
        for index in range(options.clips):
            embodiment = ("ur3", "human_hand")[index % 2]
            clip = record(embodiment, index, (options.width, options.height), moving_share)
            poses = clip.camera_from_world if known_poses else None
            frames = np.arange(len(clip.frames))
            footage = Footage(clip.frames, clip.depth_m, clip.intrinsics, poses, frames, clip.fps_hz)
            started = time.perf_counter()
            scene = reconstruct_rgbd(footage)
            ms = 1e3 * (time.perf_counter() - started) / len(frames)
            base = {
                "set": name,
                "clip": f"{embodiment}_{index}",
                "ate_m": trajectory_error_m(clip, scene),
                "pose_ms": ms,
            }
            rows += [
                base | {"method": m} | score(clip, t) for m, t in methods(footage, scene, params).items()
            ]
            sys.stderr.write(f"{name} {index + 1}/{options.clips}\n")
    summary = summarize(rows)
    options.out.write_text(json.dumps({"summary": summary, "clips": rows}, indent=2) + "\n")
    print(json.dumps(summary, indent=2))


def summarize(rows: list[dict[str, object]]) -> dict[str, dict[str, dict[str, float]]]:
    """Means over the clips of a set, by method."""
    summary: dict[str, dict[str, dict[str, float]]] = {}
    for row in rows:
        same = [r for r in rows if r["set"] == row["set"] and r["method"] == row["method"]]
        numbers = [key for key, value in row.items() if isinstance(value, float | int)]
        summary.setdefault(str(row["set"]), {})[str(row["method"])] = {
            key: round(float(np.nanmean([r[key] for r in same])), 4) for key in numbers
        }
    return summary


if __name__ == "__main__":
    main()
