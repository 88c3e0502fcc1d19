"""A clip of any length in the memory of one window; what `engine` does at once is done here piece by piece.

    decode -> files -> depth and camera path of the whole clip, image by image
    for every window:
        points handed over  --tracked-->  which patches are covered  -->  new keypoints where none are
        all of them  --bodies, riding-->  world tracks  -->  samples of the core, appended to the episode
        tracks at the border  -->  points handed over to the next window

Only vectors of a few bytes per frame or track live as long as the clip. The episode is that of `engine`, and
beside it `mu0_samples/` tells which rows are the same point, and when a point was lost and found.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mu0.episodes.movement import movement_statistics
from mu0.episodes.sidecar import SIDECAR_NAME, sidecar_text
from mu0.episodes.stream import NpyWriter
from mu0.episodes.stream_samples import SampleStream
from mu0.episodes.write import EXTRAS_FOLDER, naming_a_full_disk, write_cameras, write_motion, write_texts
from mu0.params.extract import ExtractParams
from mu0.sources.clip.on_disk import Clip
from mu0.traceextract.backends.interfaces import Footage, Keypoints, PixelTracks, Reconstruction
from mu0.traceextract.backends.registry import load_point_tracker, load_reconstructor
from mu0.traceextract.bodies.assembly import assemble
from mu0.traceextract.footage import store_footage
from mu0.traceextract.keypoints.choice import choose, n_keypoints
from mu0.traceextract.keypoints.reseeding import reseed
from mu0.traceextract.long_clips.choice_in_window import Choice, begins_to_move, choose_in_window
from mu0.traceextract.long_clips.entity_numbers import EntityNumbers
from mu0.traceextract.long_clips.handover import Followed, Handover, hand_over
from mu0.traceextract.long_clips.hidden_points import ride_on
from mu0.traceextract.long_clips.life_cycle import Event, LifeCycle
from mu0.traceextract.long_clips.memory import release_memory
from mu0.traceextract.long_clips.window_samples import sample_window
from mu0.traceextract.long_clips.window_totals import WindowTotals
from mu0.traceextract.long_clips.windows import Window, cut_windows, footage_of, reconstruction_of
from mu0.traceextract.quality.provenance import sidecar_of
from mu0.traceextract.quality.unexplained import unexplained_motion
from mu0.traceextract.quality.verdict import with_lens
from mu0.traceextract.tracking.world_tracks import WorldTracks


@dataclass
class _Progress:
    """What lives longer than a window."""

    entities: EntityNumbers
    life: LifeCycle
    n_tracks: int = 0


def extract_windows(clip: Clip, params: ExtractParams, episode: Path, scratch: Path) -> dict[str, object]:
    """Extract a clip window by window into the folder `episode`, which must not exist.

    Args:
        clip: At least one window long, or shorter.
        params: Section `extract`.
        episode: Goal; it is a complete episode only if the row's status is "ok".
        scratch: Folder for decoded depth; nobody needs it afterwards.

    Returns:
        The quality row.

    Raises:
        ExtractionError: The clip has fewer than two frames, or a backend does not exist.
        SourceError: The clip cannot be decoded.
        EpisodeError: The disk is full.
    """
    started = time.perf_counter()
    episode.mkdir(parents=True)
    scratch.mkdir(parents=True, exist_ok=True)
    with naming_a_full_disk(episode):
        footage = store_footage(clip, params.target_fps_hz, episode / "images.npy", scratch)
        reconstruction = load_reconstructor(params.reconstructor, params.learned).reconstruct(footage)
        _store_depth(reconstruction, episode / "depth.npy")
        totals = WindowTotals(
            with_lens(clip.info, reconstruction.intrinsics_source), footage, reconstruction.note
        )
        progress = _Progress(EntityNumbers(), LifeCycle())
        with SampleStream(episode) as stream:
            _run_windows(footage, reconstruction, params, (stream, totals, progress))
        sidecar = sidecar_of(clip, footage, reconstruction, stream.retiming(), params)
        width, height = footage.image_size_px
        poses = reconstruction.camera_from_world
        intrinsics = np.repeat(reconstruction.intrinsics[None].astype(np.float32), len(poses), 0)
        write_cameras(episode, (height, width), intrinsics, poses.astype(np.float32))
        movement = movement_statistics(poses, totals.extent_px, (height, width))
        write_motion(episode, totals.acceleration, movement)
        (episode / EXTRAS_FOLDER).mkdir(exist_ok=True)
        np.save(episode / EXTRAS_FOLDER / "life.npy", progress.life.table())
        write_texts(episode, sidecar.instruction, None, sidecar)
        (episode / SIDECAR_NAME).write_text(sidecar_text(sidecar), encoding="utf-8")
    return totals.row((time.perf_counter() - started) / len(poses))


def _store_depth(reconstruction: Reconstruction, path: Path) -> None:
    if reconstruction.depth_m is None:
        return
    with NpyWriter(path, reconstruction.depth_m.shape[1:], np.float16) as writer:
        for image in reconstruction.depth_m:
            writer.append(image.astype(np.float16)[None])


def _run_windows(
    footage: Footage,
    reconstruction: Reconstruction,
    params: ExtractParams,
    books: tuple[SampleStream, WindowTotals, _Progress],
) -> None:
    stream, totals, progress = books
    width, height = footage.image_size_px
    windows = cut_windows(len(footage.frames), params)
    handover: Handover | None = None
    for window, following in zip(windows, [*windows[1:], None], strict=True):
        view = footage_of(footage, window), reconstruction_of(reconstruction, window)
        followed, n_points_in = _follow(view, params, window, handover, progress)
        sampled = sample_window(stream, followed, window, (height, width), params)
        totals.add(followed, window, sampled, n_points_in)
        progress.life.note_found(followed, window)
        if following is not None:
            max_movers = round(params.moving_budget_share * n_keypoints(footage, params))
            handover = hand_over(followed, window, following, (width, height), max_movers)
            progress.life.note_handover(handover)
        del view, followed, sampled  # two windows need not be in memory at a time
        release_memory()


def _follow(
    view: tuple[Footage, Reconstruction],
    params: ExtractParams,
    window: Window,
    handover: Handover | None,
    progress: _Progress,
) -> tuple[Followed, int]:
    """The tracks of a window, and how many points went in."""
    footage, reconstruction = view
    if handover is None:
        keypoints, helpers = choose(footage, reconstruction, params)
        choice = Choice(keypoints, helpers, [])
        everyone = keypoints.joined(helpers)
        pixel_tracks = _track(view, everyone, params)
    else:
        on_mover = begins_to_move(footage, reconstruction, handover.seen, window)
        old = handover.seen.queries(window, on_mover, params.n_entities)
        old_tracks = _track(view, old, params)
        choice = choose_in_window(footage, reconstruction, params, window, handover.seen, old_tracks)
        new = choice.keypoints.joined(choice.helpers)
        everyone = old.joined(new)
        pixel_tracks = old_tracks.beside(_track(view, new, params))
    n_helpers = len(choice.helpers.frame)
    tracker = load_point_tracker(params.tracker, params.learned)
    everyone, pixel_tracks = reseed(
        footage, reconstruction, everyone, pixel_tracks, params, tracker, window.local_core
    )
    tracks = assemble(pixel_tracks, everyone, n_helpers, reconstruction, footage.grey, params)
    unexplained = unexplained_motion(footage, reconstruction, tracks)
    tracks = replace(tracks, residuals=tracks.residuals | unexplained)
    followed = _identified(tracks, everyone, choice, window, handover, progress)
    n_points_in = len(everyone.frame) - n_helpers
    if handover is None or not tracks.is_3d:
        return followed, n_points_in
    border = window.local_core.start
    followed, is_found = ride_on(followed, handover.hidden, reconstruction, border, params.movement_m)
    return followed, n_points_in + int(is_found.sum())


def _track(view: tuple[Footage, Reconstruction], keypoints: Keypoints, params: ExtractParams) -> PixelTracks:
    n_frames = len(view[0].frames)
    if len(keypoints.frame) == 0:
        return PixelTracks(np.zeros((n_frames, 0, 2), np.float32), np.zeros((n_frames, 0), bool))
    return load_point_tracker(params.tracker, params.learned).track(*view, keypoints)


def _identified(
    tracks: WorldTracks,
    everyone: Keypoints,
    choice: Choice,
    window: Window,
    handover: Handover | None,
    progress: _Progress,
) -> Followed:
    """Give tracks their numbers in the clip: those they brought along, or new ones."""
    assert tracks.keypoint is not None
    n_new = tracks.n_points
    track_id = progress.n_tracks + np.arange(tracks.n_points, dtype=np.int32)
    group = (everyone.frame[tracks.keypoint] + window.start).astype(np.int32)
    has_moved = tracks.is_moving.copy()
    if handover is None:
        entity = progress.entities.first_window(tracks)
        is_old = np.zeros(tracks.n_points, bool)
    else:
        seen = handover.seen
        is_old = tracks.keypoint < len(seen)
        old = tracks.keypoint[is_old]
        n_new = int((~is_old).sum())
        track_id[~is_old] = progress.n_tracks + np.arange(n_new)
        track_id[is_old], group[is_old] = seen.track_id[old], seen.group[old]
        has_moved[is_old] |= seen.has_moved[old]
        cluster = everyone.entity[len(seen) :]
        entity = progress.entities.later_window(tracks, seen, cluster, choice.votes)
        gone = np.setdiff1d(np.arange(len(seen)), old)
        progress.life.note(Event.LOST, seen.track_id[gone], seen.frame[gone])
    progress.life.note(Event.CHOSEN, track_id[~is_old], group[~is_old])
    progress.n_tracks += n_new
    numbered = replace(tracks, entity=entity, query_frame=group)
    return Followed(numbered, track_id, has_moved, np.zeros(tracks.n_points, bool))
