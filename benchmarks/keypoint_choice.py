"""Ways to choose keypoints, compared on the same simulated clips before anything is tracked.

    python benchmarks/keypoint_choice.py --out keypoint_choice.json

A keypoint belongs to the true body whose nearest visible surface point lies within 3 pixels; others do not
count.

    movers_found   moving bodies in view with at least four keypoints, over all moving bodies in view
    purity         share of keypoints whose entity is mostly the keypoint's own true body
    gap_px         median distance of a keypoint to the next one of its frame
    choose_ms      time to choose, per clip
"""

import argparse
import json
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from mu0.params.extract import ExtractParams
from mu0.params.raw_videos import SimulatedSource
from mu0.sources.simulated import RecordedClip, record_clip
from mu0.traceextract.backends.interfaces import Footage, Keypoints
from mu0.traceextract.keypoints.descriptors import PatchDescriptors
from mu0.traceextract.keypoints.placement import KeypointBudget, choose_keypoints, query_frames
from mu0.traceextract.reconstruction.depth_and_path import reconstruct_rgbd

SEED, SIZE_PX, NEAR_PX, ENOUGH = 78_000, 128, 3.0, 4
WAYS = tuple(product(("kmeans", "bipartite"), ("per_frame", "per_entity", "peak_frame")))


def true_bodies(clip: RecordedClip, points: Keypoints) -> tuple[np.ndarray, set[int]]:
    """The true body of every keypoint (-1: none is near), and the moving bodies in view at query frames."""
    body = np.full(len(points.frame), -1)
    in_view: set[int] = set()
    for frame in np.unique(points.frame):
        pose, truth = clip.camera_from_world[frame], clip.truth
        camera = truth.points_world[frame] @ pose[:3, :3].T + pose[:3, 3]
        seen = truth.visible[frame] & (camera[:, 2] > 0)
        pixel = camera[seen] @ clip.intrinsics.T
        in_view |= set(truth.entity[seen & truth.is_moving].tolist())
        here = points.frame == frame
        distance, nearest = cKDTree(pixel[:, :2] / pixel[:, 2:]).query(points.pixel[here])
        body[here] = np.where(distance < NEAR_PX, truth.entity[seen][nearest], -1)
    return body, in_view


def gaps_px(points: Keypoints) -> list[float]:
    """Distance of every keypoint to the next one of its frame."""
    gaps: list[float] = []
    for frame in np.unique(points.frame):
        pixel = points.pixel[points.frame == frame]
        if len(pixel) > 1:
            gaps += cKDTree(pixel).query(pixel, k=2)[0][:, 1].tolist()
    return gaps


def scores(clips: list[RecordedClip], clustering: str, allocation: str) -> dict[str, float]:
    """One way to choose, over all clips."""
    params = ExtractParams(clustering=clustering, allocation=allocation)  # type: ignore[arg-type]
    budget = KeypointBudget(params.n_keypoints, params.n_entities, params.moving_budget_share)
    budget = replace(budget, clustering=params.clustering, allocation=params.allocation)
    found = in_view = pure = counted = 0
    gaps: list[float] = []
    seconds: list[float] = []
    for clip in clips:
        numbers = np.arange(len(clip.frames))
        footage = Footage(
            clip.frames, clip.depth_m, clip.intrinsics, clip.camera_from_world, numbers, clip.fps_hz
        )
        scene = reconstruct_rgbd(footage)
        frames = query_frames(len(numbers), clip.fps_hz, params.query_every_s)
        features = PatchDescriptors().describe(footage, scene, frames)
        start = time.perf_counter()
        points = choose_keypoints(footage, scene, features, budget, params.seed)
        seconds.append(time.perf_counter() - start)
        body, movers = true_bodies(clip, points)
        in_view += len(movers)
        found += sum(int((body == mover).sum()) >= ENOUGH for mover in movers)
        for entity in np.unique(points.entity):
            mine = body[(points.entity == entity) & (body >= 0)]
            pure += int(np.bincount(mine).max(initial=0))
            counted += len(mine)
        gaps += gaps_px(points)
    return {
        "movers_found": found,
        "movers_in_view": in_view,
        "purity": round(pure / counted, 3),
        "gap_px": round(float(np.median(gaps)), 2),
        "choose_ms": round(1e3 * float(np.mean(seconds)), 1),
    }


def main() -> None:
    """Record clips of both embodiments and write the scores of every way as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=10, help="clips of each embodiment")
    parser.add_argument("--out", type=Path, default=Path("keypoint_choice.json"))
    arguments = parser.parse_args()
    clips = []
    for embodiment in ("ur3", "human_hand"):
        source = SimulatedSource(
            kind="simulated",
            embodiment=embodiment,
            n_clips=arguments.clips,
            clips_per_scene=1,
            image_size_px=SIZE_PX,
            moving_camera_share=0.5,
            seed=SEED,
        )
        clips += [record_clip(source, index) for index in range(arguments.clips)]
    result = {f"{way[0]}, {way[1]}": scores(clips, *way) for way in WAYS}
    arguments.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
