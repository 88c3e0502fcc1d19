"""TraceExtract: one clip in, one episode out. The method's figure, in words.

    footage -> depth and camera path -> entities and keypoints -> pixel tracks
            -> world tracks on rigid bodies -> traces through every anchor's camera -> episode

Every step is a module beside this one; the first, second and fourth are backends named in params.yaml.
"""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from mu0.episodes.arrays import EpisodeArrays
from mu0.episodes.movement import movement_statistics
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.write import write_episode
from mu0.params.extract import ExtractParams
from mu0.sources.clip.on_disk import Clip
from mu0.traceextract.backends.interfaces import Footage, Keypoints, Reconstruction
from mu0.traceextract.backends.registry import load_point_tracker, load_reconstructor
from mu0.traceextract.bodies.assembly import assemble
from mu0.traceextract.footage import kept_frames, read_footage
from mu0.traceextract.keypoints.choice import choose
from mu0.traceextract.keypoints.reseeding import reseed
from mu0.traceextract.long_clips.window_engine import extract_windows
from mu0.traceextract.quality.provenance import sidecar_of
from mu0.traceextract.quality.unexplained import unexplained_motion
from mu0.traceextract.quality.verdict import clip_ledgers, mean_acceleration, quality_row, with_lens
from mu0.traceextract.samples.anchor_views import SampledTraces, sample_traces
from mu0.traceextract.traceforge.grid_engine import extract_traceforge
from mu0.traceextract.tracking.displacement import displacement
from mu0.traceextract.tracking.world_tracks import WorldTracks

EPISODE_NAME = "episode"


def extract_episode(clip: Clip, params: ExtractParams, folder: Path) -> dict[str, object]:
    """Extract one clip of any length into `folder / "episode"`.

    Args:
        clip: Up to `params.window_frames` kept frames are held in memory; of a longer clip, one window is.
        params: Section `extract`.
        folder: An empty folder; long clips leave large files beside the episode that nobody needs afterwards.

    Returns:
        The quality row. The episode is there if its status is "ok".

    Raises:
        ExtractionError: The clip has fewer than two frames, or a backend does not exist.
        SourceError: The clip cannot be decoded.
        EpisodeError: The disk is full.
    """
    if params.mode == "traceforge":
        return extract_traceforge(clip, params, folder)
    if len(kept_frames(clip, params.target_fps_hz)) > params.window_frames:
        return extract_windows(clip, params, folder / EPISODE_NAME, folder / "scratch")
    arrays, sidecar, row = extract_clip(clip, params)
    if row["status"] == "ok":
        write_episode(folder / EPISODE_NAME, arrays, sidecar)
    return row


def extract_clip(clip: Clip, params: ExtractParams) -> tuple[EpisodeArrays, Sidecar, dict[str, object]]:
    """Extract the traces of one clip in memory, whatever its length.

    Returns:
        The episode, its sidecar, and its quality row. If nothing usable moves, `samples` is None and the
        row's status is "rejected" with the reason: there is nothing to write then.

    Raises:
        ExtractionError: The clip has fewer than two frames, or a backend does not exist.
        SourceError: The clip cannot be decoded.
    """
    started = time.perf_counter()
    footage = read_footage(clip, params.target_fps_hz)
    reconstruction = load_reconstructor(params.reconstructor, params.learned).reconstruct(footage)
    keypoints = choose(footage, reconstruction, params)
    tracks = track(footage, reconstruction, keypoints, params)
    width, height = footage.image_size_px
    sampled = sample_traces(tracks, (height, width), params)
    arrays = episode_arrays(footage, reconstruction, tracks, sampled)
    seconds_per_frame = (time.perf_counter() - started) / len(footage.frames)
    n_points_in = tracks.n_points + sum(tracks.dropped.values())
    ledgers = clip_ledgers(clip.info.n_frames, len(footage.source_frames), n_points_in, tracks, sampled)
    row = quality_row(
        with_lens(clip.info, reconstruction.intrinsics_source),
        tracks, sampled.samples, reconstruction.note, seconds_per_frame,
        fps_hz=footage.fps_hz, ledgers=ledgers,
    )  # fmt: skip
    return arrays, sidecar_of(clip, footage, reconstruction, sampled.retiming, params), row


def track(
    footage: Footage,
    reconstruction: Reconstruction,
    keypoints: tuple[Keypoints, Keypoints],
    params: ExtractParams,
) -> WorldTracks:
    """Follow the keypoints and complete their tracks."""
    chosen, helpers = keypoints
    everyone = chosen.joined(helpers)
    tracker = load_point_tracker(params.tracker, params.learned)
    pixel_tracks = tracker.track(footage, reconstruction, everyone)
    everyone, pixel_tracks = reseed(footage, reconstruction, everyone, pixel_tracks, params, tracker)
    n_helpers = len(helpers.frame)
    tracks = assemble(pixel_tracks, everyone, n_helpers, reconstruction, footage.grey, params)
    unexplained = unexplained_motion(footage, reconstruction, tracks)
    return replace(tracks, residuals=tracks.residuals | unexplained)


def episode_arrays(
    footage: Footage, reconstruction: Reconstruction, tracks: WorldTracks, sampled: SampledTraces
) -> EpisodeArrays:
    """The content of the official files."""
    n_frames = len(footage.frames)
    width, height = footage.image_size_px
    depth = reconstruction.depth_m
    extent_px = displacement(tracks.uv_px, tracks.visible)
    return EpisodeArrays(
        images=footage.frames,
        depth_m=None if depth is None else depth.astype(np.float16),
        intrinsics=np.repeat(reconstruction.intrinsics[None].astype(np.float32), n_frames, 0),
        camera_from_world=reconstruction.camera_from_world.astype(np.float32),
        acceleration=mean_acceleration(tracks),
        samples=sampled.samples,
        extras=sampled.extras,
        movement=movement_statistics(reconstruction.camera_from_world, extent_px, (height, width)),
    )
