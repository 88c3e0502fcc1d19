"""An episode packed for its page: pictures, clouds and traces of anchor frames, within a budget of bytes.

Everything is evenly thinned when it does not fit, and `Packed.notes` says in words what was left out, so that
nobody takes a part for the whole. Traces keep their stored 16-bit floats; nothing is rounded.

Conventions
    pixel   the middle of the first pixel is 0 (as the tracker counts)
    pose    camera_from_world of the anchor, row by row; the page lifts pixels into the world itself
"""

import base64
import json
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float16, Int, UInt8

from mu0.episodes.arrays import Samples
from mu0.episodes.hand_skeletons import BONES, HandSkeletons, read_hands
from mu0.episodes.read import Episode
from mu0.errors import EpisodeError
from mu0.geometry.camera import unproject
from mu0.geometry.rigid import apply, invert
from mu0.viewer.episode.cloud import EDGE_SHARE, cloud_step, pack_cloud, packed_array
from mu0.viewer.episode.texts import Texts

JPEG_QUALITY = 82
STILL_CAMERA_M = 0.01
MOST_CURVE_POINTS = 800
MOST_PATH_POINTS = 400
N_FRUSTUMS = 9
FRUSTUM_SHARE = 0.11  # of the way from the camera to what moves


@dataclass(frozen=True)
class Limits:
    """How much fits into a page."""

    n_bytes: int = 21_000_000
    anchors: int = 240
    traces: int = 240
    picture_width_px: int = 640
    cloud_width_px: int = 220


@dataclass(frozen=True)
class Packed:
    """JSON-ready content, and what was left out, in words."""

    content: dict[str, Any]
    notes: tuple[str, ...]


def pack_episode(episode: Episode, texts: Texts, *, anchor: int | None, limits: Limits) -> Packed:
    """Pack what fits.

    Args:
        episode: With samples.
        texts: Its captions.
        anchor: Frame to begin with; the first anchor when None.
        limits: Budget.

    Raises:
        EpisodeError: There are no samples, or `anchor` is no anchor frame.
    """
    samples = require_samples(episode)
    start_slot = 0 if anchor is None else slot_of(episode, anchor)
    slots, anchors = _within_budget(episode, samples, start_slot, limits)
    height_px, width_px = episode.size_px
    hands = read_hands(episode.folder)
    if hands is not None:
        for packed in anchors:
            packed["hands"] = _hands(hands, packed["frame"])
    content = {
        "width": width_px,
        "height": height_px,
        "n_frames": episode.n_frames,
        "fps_hz": episode.sidecar.fps_hz,
        "is_3d": episode.sidecar.is_3d,
        "start": int(np.searchsorted(slots, start_slot)),
        "anchors": anchors,
        "entities": _entities(samples),
        "events": [asdict(text) for text in texts.events],
        "windows": [asdict(text) for text in texts.windows],
        **({} if hands is None else {"bones": BONES}),
        "acceleration": _thinned_peaks(np.nan_to_num(episode.acceleration.astype(np.float64))),
        **(_world(episode, samples, slots) if episode.sidecar.is_3d else {}),
    }
    return Packed(content, _notes(episode, samples, slots, limits))


def require_samples(episode: Episode) -> Samples:
    """The samples.

    Raises:
        EpisodeError: There are none.
    """
    if episode.samples is None:
        raise EpisodeError(
            f"{episode.folder} holds no traces.",
            expected="at least one anchor frame with moving points",
            remedy="look at its row in quality.parquet: the reason stands there.",
        )
    return episode.samples


def slot_of(episode: Episode, frame: int) -> int:
    """The number of an anchor frame among the anchors.

    Raises:
        EpisodeError: The frame is no anchor; the nearest ones are named.
    """
    frames = require_samples(episode).frame_indices
    found = np.flatnonzero(frames == frame)
    if len(found):
        return int(found[0])
    nearest = np.sort(frames[np.argsort(np.abs(frames.astype(int) - frame), kind="stable")[:2]])
    raise EpisodeError(
        f"Frame {frame} of {episode.folder} is no anchor frame.",
        expected=f"one of its {len(frames)} anchors between {frames[0]} and {frames[-1]}",
        remedy=f"use the nearest: {' or '.join(str(one) for one in nearest)}.",
    )


def spread(n: int, most: int, keep: int) -> Int[np.ndarray, " k"]:
    """At most `most` of `n` numbers, evenly, with the first and with `keep`."""
    if n <= most:
        return np.arange(n)
    chosen = np.linspace(0, n - 1, max(most, 1)).round().astype(int)
    chosen[np.abs(chosen - keep).argmin()] = keep
    return np.unique(chosen)


def _within_budget(
    episode: Episode, samples: Samples, start_slot: int, limits: Limits
) -> tuple[Int[np.ndarray, " k"], list[dict[str, Any]]]:
    most = limits.anchors
    while True:
        slots = spread(samples.n_slots, most, start_slot)
        anchors: list[dict[str, Any]] = []
        n_bytes = 0
        for slot in slots:
            anchors.append(_anchor(episode, samples, int(slot), limits))
            n_bytes += len(json.dumps(anchors[-1]))
            if n_bytes > limits.n_bytes:
                break
        else:
            return slots, anchors
        if len(slots) == 1:  # one anchor may be as large as it wants
            return slots, anchors
        most = max(1, min(len(slots) - 1, int(0.93 * len(anchors) * limits.n_bytes / n_bytes)))


def _anchor(episode: Episode, samples: Samples, slot: int, limits: Limits) -> dict[str, Any]:
    rows = np.arange(samples.n_rows)[samples.rows(slot)]
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), limits.traces)).round().astype(int))]
    frame = int(samples.frame_indices[slot])
    matrix = episode.intrinsics[frame]
    packed = {
        "frame": frame,
        "jpeg": jpeg_base64(np.ascontiguousarray(episode.images[frame]), limits.picture_width_px),
        "future": _traces(samples.traj[rows], samples.valid_steps[rows]),
        "past": _traces(samples.traj_history[rows], samples.valid_steps_history[rows]),
        "entity": [int(entity) for entity in samples.cluster_ids[rows]],
        "visible": [int(visible > 0.5) for visible in samples.visibs[rows]],
        "focal": [float(matrix[0, 0]), float(matrix[1, 1])],
        "middle": [float(matrix[0, 2]), float(matrix[1, 2])],
    }
    if episode.sidecar.is_3d:
        packed["pose"] = [round(float(value), 7) for value in episode.camera_from_world[frame].ravel()]
    if episode.sidecar.is_3d and episode.depth is not None:
        packed["cloud"] = pack_cloud(episode.depth[frame], limits.cloud_width_px)
    return packed


def _hands(hands: HandSkeletons, frame: int) -> list[dict[str, Any]]:
    """Skeletons of the hands that are known in a frame, in pixels."""
    return [
        {
            "entity": hands.entity[hand],
            "handedness": hands.handedness[hand],
            "seen": int(hands.score[hand, frame] > 0),
            "touches": sorted(
                {one.entity for one in hands.contacts if one.hand == hand and one.start <= frame < one.stop}
            ),
            "joints": np.round(hands.landmarks[hand, frame, :, :2].astype(np.float64), 1).tolist(),
        }
        for hand in np.flatnonzero(np.isfinite(hands.landmarks[:, frame, 0, 0])).tolist()
    ]


def jpeg_base64(image: UInt8[np.ndarray, "h w 3"], width_px: int) -> str:
    """The picture as base64 of JPEG, made smaller if it is wider."""
    height, width = image.shape[:2]
    if width > width_px:
        size = (width_px, max(1, round(height * width_px / width)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    return base64.b64encode(encoded.tobytes()).decode("ascii")


def _traces(traces: Float16[np.ndarray, "n step 3"], valid: Bool[np.ndarray, "n step"]) -> dict[str, Any]:
    length = max(1, int(valid.any(axis=0).sum()))
    kept = np.where(valid[:, :length, None], traces[:, :length], np.float16(np.nan)).astype("<f2")
    return {"shape": list(kept.shape[:2]), "half": packed_array(kept)}


def _entities(samples: Samples) -> list[dict[str, int]]:
    """Entities, the largest first, with their rows over the whole episode."""
    ids, counts = np.unique(samples.cluster_ids, return_counts=True)
    order = np.lexsort((ids, -counts))
    return [{"id": int(ids[place]), "rows": int(counts[place])} for place in order]


def _world(episode: Episode, samples: Samples, slots: Int[np.ndarray, " k"]) -> dict[str, Any]:
    """What the 3D view needs once: where things happen, and where the camera went."""
    world_from_camera = invert(episode.camera_from_world.astype(np.float64))
    path = world_from_camera[:, :3, 3]
    frames = samples.frame_indices[slots]
    places = [_keypoints_world(episode, samples, int(slot), world_from_camera) for slot in slots]
    centre = np.median(np.concatenate(places), 0)
    moves = float(np.ptp(path, axis=0).max()) > STILL_CAMERA_M
    thin = path[np.unique(np.linspace(0, len(path) - 1, min(len(path), MOST_PATH_POINTS)).astype(int))]
    posts = frames[np.unique(np.linspace(0, len(frames) - 1, min(len(frames), N_FRUSTUMS)).astype(int))]
    return {
        "centre": [float(value) for value in centre],
        "frustum_m": float(FRUSTUM_SHARE * np.linalg.norm(centre - path[frames[0]])),
        "path": np.round(thin, 5).tolist() if moves else [],
        "frustums": [
            [round(float(value), 6) for value in episode.camera_from_world[frame].ravel()]
            for frame in (posts if moves else ())
        ],
    }


def _keypoints_world(
    episode: Episode, samples: Samples, slot: int, world_from_camera: Float[np.ndarray, "t 4 4"]
) -> Float[np.ndarray, "n 3"]:
    frame = int(samples.frame_indices[slot])
    here = samples.traj[samples.rows(slot), 0].astype(np.float64)
    return apply(world_from_camera[frame], unproject(here, episode.intrinsics[frame].astype(np.float64)))


def _thinned_peaks(values: Float[np.ndarray, " t"]) -> list[float]:
    """The curve by its peaks, so that thinning hides none."""
    pieces = np.array_split(values, min(len(values), MOST_CURVE_POINTS))
    return [round(float(piece.max()), 4) for piece in pieces if len(piece)]


def _notes(
    episode: Episode, samples: Samples, slots: Int[np.ndarray, " k"], limits: Limits
) -> tuple[str, ...]:
    notes = []
    width_px = episode.size_px[1]
    most_rows = int(np.diff(samples.offsets).max())
    if len(slots) < samples.n_slots:
        notes.append(f"Shown are {len(slots)} of {samples.n_slots:,} anchor frames, evenly spread.")
    if most_rows > limits.traces:
        notes.append(
            f"At most {limits.traces} traces per anchor are drawn, evenly chosen; one has {most_rows}."
        )
    if width_px > limits.picture_width_px:
        notes.append(f"Pictures are {limits.picture_width_px} px wide; the episode’s are {width_px} px.")
    if not episode.sidecar.is_3d:
        notes.append("2-D only: nothing is known in metres, so there is no 3D scene.")
    elif episode.depth is None:
        notes.append("There is no depth image, so there is no cloud.")
    else:
        step = cloud_step(width_px, limits.cloud_width_px)
        every = f"one of {step} pixels in each row and column" if step > 1 else "every pixel"
        notes.append(
            f"The cloud takes {every} and leaves out silhouettes, where depth leaves the plane of its "
            f"neighbours by more than {100 * EDGE_SHARE:g} %."
        )
    if episode.sidecar.mode == "traceforge":
        notes.append("A grid of points, followed forward from every anchor; points at rest are kept.")
    else:
        notes.append("An episode stores the traces of points that move; what rests is only in the cloud.")
    return tuple(notes)
