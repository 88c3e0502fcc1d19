"""TraceExtract: one clip in, one episode out. The method's figure, in words.

    footage --> depth and camera path of the whole clip
    for every window (a short clip is a clip of one window):
        entities and keypoints where nothing is followed yet --> pixel tracks --> world tracks on rigid bodies
        --> traces through every anchor's camera --> rows of the episode
        points at the window's end --> handed over to the next window
        joints of hands, if hands are asked for (`extract.hands`), beside them
    --> episode

Every step is a room beside this file: `footage`, `reconstruction`, `keypoints`, `tracking`, `bodies` (without
depth `pixels`), `samples`; what windows share is in `long_clips`, the verdict in `quality`. Features, depth
and pixel tracks come from backends named in params.yaml.
"""

import time
from pathlib import Path

from mu0.episodes.arrays import EpisodeArrays
from mu0.episodes.hand_skeletons import write_hands
from mu0.episodes.movement import movement_statistics
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.write import naming_a_full_disk, write_episode
from mu0.params.extract import ExtractParams
from mu0.sources.clip.on_disk import Clip
from mu0.traceextract.backends.hands_python import with_available_hands
from mu0.traceextract.backends.interfaces import Footage, Reconstruction
from mu0.traceextract.backends.registry import load_reconstructor
from mu0.traceextract.footage import fits_in_memory
from mu0.traceextract.keypoints.choice import n_keypoints
from mu0.traceextract.long_clips.following import Identities, follow
from mu0.traceextract.long_clips.growing_episode import (
    AbstractGrowingEpisode,
    EpisodeInFiles,
    EpisodeInMemory,
    WholeClip,
)
from mu0.traceextract.long_clips.handover import Handover, hand_over
from mu0.traceextract.long_clips.hands_beside import HandsBeside, find_hands
from mu0.traceextract.long_clips.memory import release_memory
from mu0.traceextract.long_clips.window_samples import sample_window
from mu0.traceextract.long_clips.window_totals import WindowTotals
from mu0.traceextract.long_clips.windows import cut_windows, footage_of, reconstruction_of
from mu0.traceextract.quality.verdict import with_lens
from mu0.traceextract.samples.still_things import find_still_things
from mu0.traceextract.traceforge.grid_engine import extract_traceforge

EPISODE_NAME = "episode"
SCRATCH_NAME = "scratch"


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
    goal = folder / EPISODE_NAME
    if not fits_in_memory(clip, params):
        with naming_a_full_disk(goal), EpisodeInFiles(goal, folder / SCRATCH_NAME) as files:
            return extract_into(files, clip, params)
    memory = EpisodeInMemory()
    row = extract_into(memory, clip, params)
    if row["status"] == "ok":
        write_episode(goal, *memory.content())
        if memory.hands is not None:
            write_hands(goal, memory.hands)
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
    memory = EpisodeInMemory()
    row = extract_into(memory, clip, params)
    return *memory.content(), row


def extract_into(episode: AbstractGrowingEpisode, clip: Clip, params: ExtractParams) -> dict[str, object]:
    """Extract one clip, wherever its episode grows.

    Returns:
        The quality row.

    Raises:
        ExtractionError: The clip has fewer than two frames, or a backend does not exist.
        SourceError: The clip cannot be decoded.
    """
    started, params = time.perf_counter(), with_available_hands(params)
    footage = episode.read(clip, params.target_fps_hz)
    reconstruction = load_reconstructor(params.reconstructor, params.learned).reconstruct(footage)
    info = with_lens(clip.info, reconstruction.intrinsics_source)
    totals, identities = WindowTotals(info, footage, reconstruction.note), Identities()
    hands = find_hands(footage, reconstruction, params)
    identities.hands = None if hands is None else hands.hands
    _through_windows(episode, footage, reconstruction, params, (totals, identities, hands))
    width, height = footage.image_size_px
    movement = movement_statistics(reconstruction.camera_from_world, totals.extent_px, (height, width))
    life = identities.life.table()
    skeletons = None if hands is None else hands.skeletons()
    whole = WholeClip(clip, footage, reconstruction, totals.acceleration, movement, life, skeletons)
    episode.finish(whole, params)
    return totals.row((time.perf_counter() - started) / len(footage.frames))


def _through_windows(
    episode: AbstractGrowingEpisode,
    footage: Footage,
    reconstruction: Reconstruction,
    params: ExtractParams,
    books: tuple[WindowTotals, Identities, HandsBeside | None],
) -> None:
    """Rows of all windows into the episode, what they add up to into the books."""
    totals, identities, hands = books
    width, height = footage.image_size_px
    max_movers = round(params.moving_budget_share * n_keypoints(footage, params))
    windows = cut_windows(len(footage.frames), params)
    handover: Handover | None = None
    for window, following in zip(windows, [*windows[1:], None], strict=True):
        view = footage_of(footage, window), reconstruction_of(reconstruction, window)
        followed, n_points_in = follow(view, window, handover, params, identities)
        shown = followed if hands is None else hands.beside(followed, view, window, params, identities)
        n_places = params.thing_points if params.resting_budget_share > 0 else 0
        things = find_still_things(view, window.local_core, n_places, window.start)
        sampled = sample_window(episode, shown, window, (height, width), params, things)
        totals.add(shown, window, sampled, n_points_in + shown.tracks.n_points - followed.tracks.n_points)
        identities.life.note_found(followed, window)
        if following is not None:
            handover = hand_over(followed, window, following, (width, height), max_movers)
            identities.life.note_handover(handover)
            del view, followed, shown, sampled  # two windows need not be in memory at a time
            release_memory()
