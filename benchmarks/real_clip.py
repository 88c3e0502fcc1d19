"""Extraction on a real RGB-D clip, judged by the robot's own joints: a WidowX opens a drawer (BridgeData V2).

    python benchmarks/real_clip.py --out real_clip.json --picture real_clip.png

Nothing here is selected by whether it agrees. Which tracks are the gripper's was decided by eye: outlines
drawn into eight frames, around the fingers and the block behind them, interpolated in between; a track counts
if its keypoint lies inside in its query frame and if it was found to move (inside the outline one also sees
the table). Where the camera stands was never measured, so one rigid motion camera <- robot base is fitted, to
one half of the tracks; the other half is judged, and the other way round. Each judged track has a fitted
place on the gripper (its median), because it is not known where on the gripper it lies.

    gripper      distance of measured and carried positions to where the joints say the gripper is [mm]
    jitter       median distance of a still point's measurements from their median place [mm]
    moving       shares of the tracks on gripper, drawer front and table that were found to move

Camera poses are not given: odometry has to find that the camera stands still. Depth was registered with a
position estimated from the same pictures, so some millimetres are the data's own (reference/perception.md
§6).
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from mu0.params.extract import ExtractParams
from mu0.sources.own_files.reader import FileItem, write_item
from mu0.traceextract.backends.interfaces import Keypoints
from mu0.traceextract.backends.registry import load_reconstructor
from mu0.traceextract.footage import read_footage
from mu0.traceextract.keypoints.choice import choose
from mu0.traceextract.long_clips.following import track
from mu0.traceextract.tracking.world_tracks import WorldTracks

# outline of the gripper in frame 0, around the ring of its wrist at (262, 55) [px]
RING_PX = np.array([262.0, 55.0])
OUTLINE_PX = np.array(
    [(238, 75), (325, 66), (335, 140), (362, 152), (366, 205), (330, 248), (308, 240), (302, 195), (255, 180),
     (212, 165), (200, 110), (236, 104)]
)  # fmt: skip
# by frame: where the ring is, and how large the gripper is compared with frame 0
RING_BY_FRAME = {
    0: (262, 55, 1.0), 5: (270, 97, 0.92), 10: (215, 127, 0.78), 15: (218, 174, 0.70), 20: (280, 203, 0.72),
    25: (333, 240, 0.745), 30: (285, 131, 0.84), 34: (255, 39, 1.0),
}  # fmt: skip
# the drawer's red front while it is closed, until the last frame named, and when it is open, from the first
DRAWER_CLOSED_PX, CLOSED_UNTIL = np.array([(70, 236), (195, 163), (198, 245), (94, 330)]), 14
DRAWER_OPEN_PX, OPEN_FROM = np.array([(166, 285), (284, 200), (288, 290), (192, 376)]), 26
TABLE_PX = (
    np.array([(500, 285), (635, 310), (635, 380), (500, 365)]),
    np.array([(10, 400), (270, 400), (270, 475), (10, 475)]),
    np.array([(340, 400), (475, 400), (475, 475), (340, 475)]),
)
N_STARTS = 40
ROBUST_M = 0.006
TARGETS_MM = {"gripper": 5.0, "jitter": 1.0}


def gripper_outline(frame: int) -> np.ndarray:
    """The outline in a frame, between those that were drawn."""
    frames = np.array(list(RING_BY_FRAME))
    x, y, scale = (np.interp(frame, frames, values) for values in np.array(list(RING_BY_FRAME.values())).T)
    return (OUTLINE_PX - RING_PX) * scale + (x, y)


def inside(outline: np.ndarray, pixel: np.ndarray) -> bool:
    """Whether a pixel lies within an outline."""
    return cv2.pointPolygonTest(outline.astype(np.float32), tuple(map(float, pixel)), measureDist=False) > 0


def label(keypoints: Keypoints) -> np.ndarray:
    """What each keypoint lies on, by outline: "gripper", "drawer", "table" or ""."""
    found = []
    for frame, pixel in zip(keypoints.frame, keypoints.pixel, strict=True):
        if inside(gripper_outline(int(frame)), pixel):
            found.append("gripper")
        elif (frame <= CLOSED_UNTIL and inside(DRAWER_CLOSED_PX, pixel)) or (
            frame >= OPEN_FROM and inside(DRAWER_OPEN_PX, pixel)
        ):
            found.append("drawer")
        else:
            found.append("table" if any(inside(outline, pixel) for outline in TABLE_PX) else "")
    return np.array(found)


def places_on_gripper(points: np.ndarray, gripper: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """Positions [m] (t, n, 3) in the gripper's own frame, if `camera` (6: turn, shift) is camera <- base."""
    rotation, shift = Rotation.from_rotvec(camera[:3]).as_matrix(), camera[3:]
    in_base = (points - shift) @ rotation
    return (in_base - gripper[:, None, :3, 3]) @ gripper[:, :3, :3]


def off_m(points: np.ndarray, seen: np.ndarray, gripper: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """Distance of every position from its track's median place on the gripper; NaN where not seen."""
    place = np.where(seen[..., None], places_on_gripper(points, gripper, camera), np.nan)
    return np.linalg.norm(place - np.nanmedian(place, 0), axis=-1)


def fit_camera(points: np.ndarray, seen: np.ndarray, gripper: np.ndarray) -> np.ndarray:
    """Camera <- base with which the tracks stay in place on the gripper; best of many starts."""

    def residuals(camera: np.ndarray) -> np.ndarray:
        place = np.where(seen[..., None], places_on_gripper(points, gripper, camera), np.nan)
        return np.nan_to_num(place - np.nanmedian(place, 0)).ravel()

    best = None
    for start in range(N_STARTS):
        turn = Rotation.random(random_state=start)
        shift = np.nanmean(np.where(seen[..., None], points, np.nan), (0, 1)) - turn.apply(
            gripper[:, :3, 3].mean(0)
        )
        rough = least_squares(
            residuals, np.r_[turn.as_rotvec(), shift], loss="soft_l1", f_scale=ROBUST_M, max_nfev=40
        )
        if best is None or rough.cost < best.cost:
            best = rough
    assert best is not None
    return least_squares(residuals, best.x, loss="soft_l1", f_scale=ROBUST_M).x


def judge_gripper(tracks: WorldTracks, which: np.ndarray, gripper: np.ndarray) -> dict[str, object]:
    """Errors of tracks that were not fitted, two halves judged in turn."""
    assert tracks.points_world is not None
    points, seen = tracks.points_world[:, which].astype(np.float64), tracks.visible[:, which]
    errors, hidden, cameras = np.full(seen.shape, np.nan), np.full(seen.shape, np.nan), []
    for half in (0, 1):
        fitted, judged = np.arange(half, len(which), 2), np.arange(1 - half, len(which), 2)
        camera = fit_camera(points[:, fitted], seen[:, fitted], gripper)
        errors[:, judged] = off_m(points[:, judged], seen[:, judged], gripper, camera)
        everywhere = np.ones_like(seen[:, judged])
        hidden[:, judged] = off_m(points[:, judged], everywhere, gripper, camera)
        cameras.append((-Rotation.from_rotvec(camera[:3]).inv().apply(camera[3:])).round(3).tolist())
    per_track_m = np.nanmedian(errors, 0)
    return {
        "n_tracks": len(which),
        "n_observations": int(seen.sum()),
        "median_mm": 1e3 * float(np.nanmedian(errors)),
        "p90_mm": 1e3 * float(np.nanpercentile(errors, 90)),
        "median_hidden_mm": 1e3 * float(np.nanmedian(hidden[~seen])) if (~seen).any() else float("nan"),
        "worst_track_mm": 1e3 * float(per_track_m.max()),
        "share_of_tracks_below_5_mm": float((per_track_m < 5e-3).mean()),
        "camera_in_base_m": cameras,
    }


def draw(frames: np.ndarray, tracks: WorldTracks, labels: np.ndarray, path: Path) -> None:
    """Four frames with every visible track: moving ones with their tails, labels by colour."""
    colours = {
        "gripper": (255, 60, 60),
        "drawer": (255, 200, 0),
        "table": (60, 160, 255),
        "": (180, 180, 180),
    }
    panels = []
    for frame in np.linspace(2, len(frames) - 2, 4).astype(int):
        picture = frames[frame].copy()
        cv2.polylines(
            picture, [gripper_outline(int(frame)).astype(np.int32)], isClosed=True, color=(0, 255, 0)
        )
        for point in np.flatnonzero(tracks.visible[frame]):
            tail = tracks.uv_px[max(0, frame - 4) : frame + 1, point]
            if tracks.is_moving[point] and np.isfinite(tail).all():
                cv2.polylines(
                    picture, [tail.round().astype(np.int32)], isClosed=False, color=colours[labels[point]]
                )
            place = tuple(tracks.uv_px[frame, point].round().astype(int).tolist())
            cv2.circle(picture, place, 3 if tracks.is_moving[point] else 1, colours[labels[point]], -1)
        cv2.putText(picture, f"frame {frame}", (8, 470), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255))
        panels.append(picture)
    sheet = np.concatenate([np.concatenate(panels[:2], 1), np.concatenate(panels[2:], 1)])
    cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


def main() -> None:
    """Extract, judge, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/bridge_v2_drawer"))
    parser.add_argument("--out", type=Path, default=Path("real_clip.json"))
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--keypoints", type=int, default=ExtractParams().n_keypoints)
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.stderr.write(f"{options.data} is absent: nothing to measure. See the module text.\n")
        return
    cv2.setNumThreads(1)
    params = ExtractParams(n_keypoints=options.keypoints)
    with tempfile.TemporaryDirectory() as folder:
        clip = write_item(FileItem("bridge_v2_drawer", options.data), Path(folder) / "clip", "real", 5.0)
        footage = read_footage(clip, params.target_fps_hz)
        frames = np.stack(list(footage.frames))
        scene = load_reconstructor(params.reconstructor).reconstruct(footage)
        chosen = choose(footage, scene, params)
        tracks = track(footage, scene, chosen, params)
    with np.load(options.data / "robot_state.npz", allow_pickle=False) as state:
        gripper = state["eef_transform"][footage.source_frames]
    assert tracks.keypoint is not None
    labels = label(chosen[0])[tracks.keypoint]
    moves = {name: tracks.is_moving[labels == name] for name in ("gripper", "drawer", "table")}
    which = np.flatnonzero((labels == "gripper") & tracks.is_moving)
    path_m = np.linalg.norm(np.linalg.inv(scene.camera_from_world)[:, :3, 3], axis=1)
    result = {
        "gripper_against_joints": judge_gripper(tracks, which, gripper),
        "static_jitter_mm": 1e3 * tracks.residuals["static_jitter_m"],
        "camera_moved_mm": 1e3 * float(path_m.max()),
        "moving_share": {name: float(flags.mean()) for name, flags in moves.items()},
        "n_labelled": {name: len(flags) for name, flags in moves.items()},
        "n_tracks": tracks.n_points,
        "n_keypoints": len(chosen[0].frame),
        "dropped": tracks.dropped,
        "residuals": tracks.residuals,
        "targets_mm": TARGETS_MM,
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    if options.picture is not None:
        draw(frames, tracks, labels, options.picture)


if __name__ == "__main__":
    main()
