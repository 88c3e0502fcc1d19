"""TraceExtract: one clip in, one episode out. The method's figure, in words.

    footage -> depth and camera path -> entities and keypoints -> pixel tracks
            -> world tracks on rigid bodies -> traces through every anchor's camera -> episode

Every step is a module beside this one; the first, second and fourth are backends named in params.yaml.
"""

import time
from importlib.metadata import version

import numpy as np

from mu0.episodes.arrays import EpisodeArrays
from mu0.episodes.movement import movement_statistics
from mu0.episodes.sidecar import Sidecar
from mu0.errors import ExtractionError
from mu0.params.extract import ExtractParams
from mu0.sources.clip import Clip
from mu0.traceextract.assembly import AssemblySettings, assemble_2d, assemble_3d
from mu0.traceextract.backends.interfaces import Footage, Keypoints, Reconstruction
from mu0.traceextract.backends.registry import load_feature_extractor, load_point_tracker, load_reconstructor
from mu0.traceextract.keypoints import KeypointBudget, choose_helpers, choose_keypoints, query_frames
from mu0.traceextract.motion import displacement
from mu0.traceextract.quality import clip_ledgers, mean_acceleration, quality_row
from mu0.traceextract.sampling import SampledTraces, sample_traces
from mu0.traceextract.tracks import WorldTracks

VERSIONED = ("mu0", "numpy", "opencv-python-headless")
HELPER_SHARE = 0.9  # helpers per frame over keypoints per frame


def extract_clip(clip: Clip, params: ExtractParams) -> tuple[EpisodeArrays, Sidecar, dict[str, object]]:
    """Extract the traces of one clip.

    Returns:
        The episode, its sidecar, and its quality row. If nothing usable moves, `samples` is None and the
        row's status is "rejected" with the reason: there is nothing to write then.

    Raises:
        ExtractionError: The clip has fewer than two frames, or a backend does not exist.
        SourceError: The clip cannot be decoded.
    """
    started = time.perf_counter()
    footage = read_footage(clip, params.target_fps_hz)
    reconstruction = load_reconstructor(params.reconstructor).reconstruct(footage)
    keypoints = choose(footage, reconstruction, params)
    tracks = track(footage, reconstruction, keypoints, params)
    width, height = footage.image_size_px
    sampled = sample_traces(tracks, (height, width), params)
    arrays = episode_arrays(footage, reconstruction, tracks, sampled)
    seconds_per_frame = (time.perf_counter() - started) / len(footage.frames)
    ledgers = clip_ledgers(
        clip.info.n_frames, len(footage.source_frames), len(keypoints[0].frame), tracks, sampled
    )
    row = quality_row(
        clip.info, tracks, sampled.samples, reconstruction.note, seconds_per_frame,
        fps_hz=footage.fps_hz, ledgers=ledgers,
    )  # fmt: skip
    return arrays, sidecar_of(clip, footage, tracks, sampled, params), row


def read_footage(clip: Clip, target_fps_hz: float) -> Footage:
    """Every n-th frame, so that the rate comes closest to `target_fps_hz`, with what the source knows.

    Raises:
        ExtractionError: Fewer than two frames are left.
    """
    step = max(1, round(clip.info.fps_hz / target_fps_hz))
    kept = np.arange(0, clip.info.n_frames, step)
    if len(kept) < 2:
        raise ExtractionError(
            f"Clip {clip.info.source}/{clip.info.clip_id} has {clip.info.n_frames} frames "
            f"at {clip.info.fps_hz:g} Hz; {len(kept)} are left at {target_fps_hz:g} Hz.",
            expected="at least 2 frames",
            remedy="leave this clip out, or raise `extract.target_fps_hz` in params.yaml.",
        )
    poses = clip.camera_from_world()
    return Footage(
        frames=np.stack([frame for index, frame in enumerate(clip.iter_frames()) if index % step == 0]),
        depth_m=_every(clip, step) if clip.info.has_depth else None,
        intrinsics=clip.intrinsics(),
        camera_from_world=None if poses is None else poses[kept],
        source_frames=kept,
        fps_hz=clip.info.fps_hz / step,
    )


def _every(clip: Clip, step: int) -> np.ndarray:
    return np.stack([depth for index, depth in enumerate(clip.iter_depth_m()) if index % step == 0])


def choose(
    footage: Footage, reconstruction: Reconstruction, params: ExtractParams
) -> tuple[Keypoints, Keypoints]:
    """The keypoints, and the helpers between their query frames that make bodies easier to find."""
    extractor = load_feature_extractor(params.features)
    n_frames = len(footage.frames)
    frames = query_frames(n_frames, footage.fps_hz, params.query_every_s)
    features = extractor.describe(footage, reconstruction, frames)
    n_keypoints = (
        params.n_keypoints if footage.image_size_px[0] <= params.small_width_px else 2 * params.n_keypoints
    )
    budget = KeypointBudget(n_keypoints, params.n_entities, params.moving_budget_share)
    keypoints = choose_keypoints(footage, reconstruction, features, budget, params.seed)
    between = np.setdiff1d(query_frames(n_frames, footage.fps_hz, params.helper_every_s), frames)
    if not reconstruction.is_3d or len(between) == 0:
        return keypoints, keypoints[np.zeros(len(keypoints.frame), bool)]
    n_helpers = round(HELPER_SHARE * n_keypoints * len(between) / len(frames))
    return keypoints, choose_helpers(footage, reconstruction, between, n_helpers)


def track(
    footage: Footage,
    reconstruction: Reconstruction,
    keypoints: tuple[Keypoints, Keypoints],
    params: ExtractParams,
) -> WorldTracks:
    """Follow the keypoints and complete their tracks."""
    chosen, helpers = keypoints
    everyone = chosen.joined(helpers)
    pixel_tracks = load_point_tracker(params.tracker).track(footage, reconstruction, everyone)
    settings = AssemblySettings(
        movement_m=params.movement_m, movement_share=params.movement_share, seed=params.seed
    )
    if reconstruction.is_3d:
        return assemble_3d(pixel_tracks, everyone, len(helpers.frame), reconstruction, settings)
    diagonal_px = float(np.hypot(*footage.image_size_px))
    return assemble_2d(pixel_tracks, everyone, reconstruction, diagonal_px, settings)


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
        movement=movement_statistics(reconstruction.camera_from_world, extent_px, (height, width)),
    )


def sidecar_of(
    clip: Clip, footage: Footage, tracks: WorldTracks, sampled: SampledTraces, params: ExtractParams
) -> Sidecar:
    """What the official files forget."""
    info = clip.info
    return Sidecar(
        source=info.source,
        clip_id=info.clip_id,
        scene_id=info.scene_id,
        embodiment=info.embodiment,
        instruction=info.instruction,
        licence=info.licence,
        simulated=info.simulated,
        video_sha256=info.video_sha256,
        fps_hz=footage.fps_hz,
        source_frames=tuple(int(frame) for frame in footage.source_frames),
        is_3d=tracks.is_3d,
        pose_source=tracks.pose_source,
        backends={
            "features": params.features,
            "reconstructor": params.reconstructor,
            "tracker": params.tracker,
        },
        versions={name: version(name) for name in VERSIONED},
        retiming=sampled.retiming,
    )
