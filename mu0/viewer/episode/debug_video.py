"""A debug video of an episode: every frame with the tracks' tails, entity colours, caption and frame number.

    tail   where the point was over the last frames, in the world, seen from this frame's camera; fading
    dot    filled: seen at the latest anchor; ring: hidden there
    colour the entity, as on the page

A frame takes its tracks from the latest anchor, whose `raw_traj` counts steps in frames. Equal episodes give
equal bytes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from mu0.episodes.arrays import Samples
from mu0.episodes.read import Episode, read_episode
from mu0.files import atomic_file
from mu0.geometry.camera import project, unproject
from mu0.geometry.rigid import apply, invert
from mu0.progress import track
from mu0.sources.containers.encoding import write_video
from mu0.viewer.episode.pack import require_samples
from mu0.viewer.episode.texts import Texts, read_texts

WIDTH_PX = 960
TAIL_FRAMES = 12
BAR_PX = 56
CRF = 20
UNKNOWN_RATE_HZ = 10.0
SUBPIXEL_BITS = 4
LIMIT_PX = 20_000  # OpenCV draws wrong lines when coordinates overflow
NEAREST_M = 0.01
PALETTE = (
    (230, 85, 13), (49, 130, 189), (49, 163, 84), (197, 27, 138), (212, 160, 23), (117, 107, 177),
    (23, 162, 162), (140, 86, 75), (247, 104, 161), (127, 184, 0),
)  # fmt: skip
FONT = cv2.FONT_HERSHEY_SIMPLEX
Colour: TypeAlias = tuple[int, int, int]


def write_debug_video(folder: Path, goal: Path, captions: Path | None = None) -> None:
    """Write the video of an episode as H.264 in MP4.

    Args:
        folder: The episode.
        goal: The file.
        captions: Folder of its curated_training_texts.json; the episode's own folder is the fallback.

    Raises:
        EpisodeError: The episode cannot be read or holds no traces.
    """
    episode = read_episode(folder)
    require_samples(episode)
    texts = read_texts(*([captions] if captions else []), folder)
    with atomic_file(goal) as temporary:
        pictures = track(_pictures(episode, texts), "drawing", episode.n_frames)
        write_video(temporary, pictures, episode.sidecar.fps_hz or UNKNOWN_RATE_HZ, crf=CRF)


def _pictures(episode: Episode, texts: Texts) -> Iterator[UInt8[np.ndarray, "big_h big_w 3"]]:
    colours = entity_colours(require_samples(episode))
    for frame in range(episode.n_frames):
        event = texts.at(frame)
        yield np.vstack(
            [_drawn(episode, colours, frame), _bar(episode, frame, event.texts[0] if event else "")]
        )


def entity_colours(samples: Samples) -> dict[int, Colour]:
    """RGB by entity, the largest entity first, as on the page; colours repeat after ten."""
    ids, counts = np.unique(samples.cluster_ids, return_counts=True)
    order = np.lexsort((ids, -counts))
    return {int(ids[place]): PALETTE[number % len(PALETTE)] for number, place in enumerate(order)}


def recent_pixels(episode: Episode, frame: int, n_frames: int) -> tuple[slice, Float[np.ndarray, "n tail 2"]]:
    """Where the points of the latest anchor were lately, in pixels of `frame`, oldest first.

    Args:
        episode: With samples.
        frame: Whose picture it is.
        n_frames: Length of the tail, this frame included; what is not stored is NaN.

    Returns:
        The anchor's rows, and the pixels.
    """
    samples = require_samples(episode)
    slot = int(np.searchsorted(samples.frame_indices, frame, side="right")) - 1
    if slot < 0:
        return slice(0, 0), np.full((0, n_frames, 2), np.nan)
    rows, anchor = samples.rows(slot), int(samples.frame_indices[slot])
    tail = np.full((rows.stop - rows.start, n_frames, 3), np.nan)
    for place, offset in enumerate(range(frame - anchor - n_frames + 1, frame - anchor + 1)):
        past = "_history" if offset < 0 else ""
        traces, valid = (getattr(samples, f"raw_{name}{past}") for name in ("traj", "valid_steps"))
        if abs(offset) < traces.shape[1]:
            known = valid[rows, abs(offset), None]
            tail[:, place] = np.where(known, traces[rows, abs(offset)].astype(np.float64), np.nan)
    return rows, _seen_from(episode, tail, anchor, frame)


def _seen_from(
    episode: Episode, traces: Float[np.ndarray, "n tail 3"], anchor: int, frame: int
) -> Float[np.ndarray, "n tail 2"]:
    """Traces of one camera as pixels of another; 2-D traces stay where they are."""
    if not episode.sidecar.is_3d:
        return traces[..., :2]
    poses = episode.camera_from_world.astype(np.float64)
    matrices = episode.intrinsics.astype(np.float64)
    moved = apply(poses[frame] @ invert(poses[anchor]), unproject(traces, matrices[anchor]))
    moved[~(moved[..., 2] > NEAREST_M)] = np.nan
    return project(moved, matrices[frame])[..., :2]


def _drawn(episode: Episode, colours: dict[int, Colour], frame: int) -> UInt8[np.ndarray, "big_h big_w 3"]:
    image = np.ascontiguousarray(episode.images[frame])
    scale = WIDTH_PX / image.shape[1]
    height = 2 * round(image.shape[0] * scale / 2)  # H.264 wants even sides
    canvas = cv2.resize(image, (WIDTH_PX, height), interpolation=cv2.INTER_CUBIC)
    samples = require_samples(episode)
    rows, tail = recent_pixels(episode, frame, TAIL_FRAMES)
    pixel = (tail + 0.5) * scale
    with np.errstate(invalid="ignore"):
        shown = (np.abs(pixel) < LIMIT_PX).all(-1)
    points = np.round(np.where(shown[..., None], pixel, 0) * 2**SUBPIXEL_BITS).astype(np.int32)
    own = [colours[int(entity)] for entity in samples.cluster_ids[rows]]
    for step in range(TAIL_FRAMES - 1):
        layer = canvas.copy()
        for n in np.flatnonzero(shown[:, step] & shown[:, step + 1]):
            ends = points[n, step].tolist(), points[n, step + 1].tolist()
            cv2.line(layer, *ends, own[n], 2, cv2.LINE_AA, SUBPIXEL_BITS)
        strength = (step + 2) / TAIL_FRAMES
        canvas = cv2.addWeighted(layer, strength, canvas, 1 - strength, 0)
    is_seen = samples.visibs[rows] > 0.5
    for n in np.flatnonzero(shown[:, -1]):
        _dot(canvas, points[n, -1].tolist(), own[n], is_seen=bool(is_seen[n]))
    return canvas


def _dot(
    canvas: UInt8[np.ndarray, "big_h big_w 3"],
    centre: list[int],
    colour: Colour,
    *,
    is_seen: bool,
) -> None:
    radius = 4 << SUBPIXEL_BITS
    if is_seen:
        cv2.circle(canvas, centre, radius, colour, cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS)
    cv2.circle(canvas, centre, radius, (255, 255, 255) if is_seen else colour, 1, cv2.LINE_AA, SUBPIXEL_BITS)


def _bar(episode: Episode, frame: int, caption: str) -> UInt8[np.ndarray, "bar_h bar_w 3"]:
    bar = np.full((BAR_PX, WIDTH_PX, 3), 24, np.uint8)
    fps_hz = episode.sidecar.fps_hz
    clock = f"   {frame / fps_hz:.2f} s" if fps_hz else ""
    where = f"frame {frame} of {episode.n_frames - 1}{clock}"
    cv2.putText(bar, where, (12, 22), FONT, 0.55, (190, 190, 200), 1, cv2.LINE_AA)
    cv2.putText(bar, _fitting(caption), (12, 45), FONT, 0.55, (255, 255, 255), 1, cv2.LINE_AA)
    return bar


def _fitting(caption: str) -> str:
    """The caption, cut where the bar ends; OpenCV 5 draws any script."""
    fits = words = caption
    while fits and cv2.getTextSize(fits, FONT, 0.55, 1)[0][0] > WIDTH_PX - 24:
        words = words[:-1]
        fits = f"{words.rstrip()} ..."
    return fits
