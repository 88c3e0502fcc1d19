"""An episode as a recording for Rerun (https://rerun.io), with every frame and every track.

    world/camera              pose; pinhole, image and depth hang on it
    world/points              keypoints of the anchors, coloured by entity            (3-D episodes)
    world/traces              their futures, violet (now) to red (end)                (3-D episodes)
    world/camera_path         where the camera goes
    picture, picture/points, picture/traces                                          (2-D episodes)
    caption                   events as text; acceleration as a curve

Timelines: `frame` (kept frames) and `time` (seconds, where the rate is known).

`rerun-sdk` belongs to the extra `viz` and is imported when it is used.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from mu0.episodes.arrays import Samples
from mu0.episodes.read import Episode, read_episode
from mu0.errors import EpisodeError
from mu0.files import atomic_file
from mu0.geometry.camera import unproject
from mu0.geometry.rigid import apply, invert
from mu0.progress import track
from mu0.viewer.episode.debug_video import entity_colours
from mu0.viewer.episode.pack import require_samples
from mu0.viewer.episode.texts import Texts, read_texts
from mu0.viewer.overlay import trace_colour

JPEG_QUALITY = 85
PATH_COLOUR = (140, 134, 160)
APPLICATION = "mu0_episode"


def write_recording(folder: Path, goal: Path, captions: Path | None = None) -> None:
    """Write the `.rrd` file of an episode.

    Args:
        folder: The episode.
        goal: The file.
        captions: Folder of its curated_training_texts.json; the episode's own folder is the fallback.

    Raises:
        EpisodeError: The episode cannot be read or holds no traces, or rerun-sdk is not installed.
    """
    rerun = _rerun()
    episode = read_episode(folder)
    samples = require_samples(episode)
    texts = read_texts(*([captions] if captions else []), folder)
    identity = episode.sidecar.episode_id
    with atomic_file(goal) as temporary:
        with rerun.RecordingStream(APPLICATION, recording_id=identity) as recording:
            recording.save(str(temporary))
            recording.set_log_time_enabled(False)  # when it was written is of no interest
            recording.send_blueprint(_layout(rerun, is_3d=episode.sidecar.is_3d))
            _describe(rerun, recording, episode)
            for frame in track(range(episode.n_frames), "recording", episode.n_frames):
                recording.set_time("frame", sequence=frame)
                if episode.sidecar.fps_hz:
                    recording.set_time("time", duration=frame / episode.sidecar.fps_hz)
                _log_frame(rerun, recording, episode, frame)
                _log_words(rerun, recording, episode, texts, frame)
                if frame in samples.frame_indices:
                    _log_anchor(rerun, recording, episode, samples, frame)
        recording.disconnect()


def _rerun() -> Any:
    try:
        import rerun
    except ImportError as error:
        raise EpisodeError(
            "The package rerun-sdk is not installed.",
            expected="rerun-sdk, which writes .rrd files",
            remedy="run `make install` in the project, or leave --rrd out: the HTML page needs no package.",
        ) from error
    return rerun


def _layout(rerun: Any, *, is_3d: bool) -> Any:
    """What the viewer shows first: space, the frame with its traces, words, the curve."""
    blueprint = rerun.blueprint
    words = blueprint.Horizontal(
        blueprint.TextLogView(origin="caption"),
        blueprint.TimeSeriesView(origin="acceleration"),
        blueprint.TextDocumentView(origin="about"),
    )
    if not is_3d:
        return blueprint.Blueprint(
            blueprint.Vertical(blueprint.Spatial2DView(origin="picture"), words, row_shares=[3, 1])
        )
    picture = blueprint.Spatial2DView(
        origin="world/camera/image", contents=["$origin/rgb", "world/points", "world/traces"]
    )
    space = blueprint.Spatial3DView(origin="world")
    return blueprint.Blueprint(
        blueprint.Vertical(blueprint.Horizontal(space, picture), words, row_shares=[3, 1])
    )


def _describe(rerun: Any, recording: Any, episode: Episode) -> None:
    """What holds for the whole recording."""
    sidecar = episode.sidecar
    recording.send_recording_name(sidecar.episode_id)
    lines = [
        f"# {sidecar.episode_id}",
        sidecar.instruction,
        f"- licence: {sidecar.licence or 'unknown'}",
        f"- traces: {'3-D, metres' if episode.sidecar.is_3d else '2-D only, pixels'}",
        f"- camera poses: {sidecar.pose_source}",
        f"- rate: {sidecar.fps_hz:g} Hz" if sidecar.fps_hz else "- rate: unknown",
    ]
    text = rerun.TextDocument("\n\n".join(lines), media_type=rerun.MediaType.MARKDOWN)
    recording.log("about", text, static=True)
    if episode.sidecar.is_3d:
        recording.log("world", rerun.ViewCoordinates.RDF, static=True)
        centres = invert(episode.camera_from_world.astype(np.float64))[:, :3, 3]
        recording.log("world/camera_path", rerun.LineStrips3D([centres], colors=[PATH_COLOUR]), static=True)


def _log_frame(rerun: Any, recording: Any, episode: Episode, frame: int) -> None:
    image = np.ascontiguousarray(episode.images[frame])
    picture = rerun.Image(image).compress(jpeg_quality=JPEG_QUALITY)
    if not episode.sidecar.is_3d:
        recording.log("picture", picture)
        return
    height, width = episode.size_px
    world_from_camera = invert(episode.camera_from_world[frame].astype(np.float64))
    recording.log(
        "world/camera",
        rerun.Transform3D(translation=world_from_camera[:3, 3], mat3x3=world_from_camera[:3, :3]),
    )
    matrix = episode.intrinsics[frame].astype(np.float64)
    recording.log("world/camera/image", rerun.Pinhole(image_from_camera=matrix, width=width, height=height))
    recording.log("world/camera/image/rgb", picture)
    if episode.depth is None:
        return
    depth_m = np.nan_to_num(episode.depth[frame].astype(np.float32), posinf=0.0, neginf=0.0)
    millimetres = np.clip(np.rint(1000 * depth_m), 0, 65535).astype(np.uint16)
    recording.log("world/camera/image/depth", rerun.DepthImage(millimetres, meter=1000.0))


def _log_words(rerun: Any, recording: Any, episode: Episode, texts: Texts, frame: int) -> None:
    recording.log("acceleration", rerun.Scalars(float(np.nan_to_num(episode.acceleration[frame]))))
    for event in texts.events:
        if event.start == frame:
            recording.log("caption", rerun.TextLog(event.texts[0], level=rerun.TextLogLevel.INFO))


def _log_anchor(rerun: Any, recording: Any, episode: Episode, samples: Samples, frame: int) -> None:
    rows = episode.slot(frame)
    entities = samples.cluster_ids[rows]
    palette = entity_colours(samples)
    colours = np.array([palette[int(entity)] for entity in entities], np.uint8)
    labels = [f"entity {entity}" for entity in entities]
    lines, line_colours = _lines(episode, samples, rows, frame)
    starts = np.array([line[0] for line in lines])
    if not episode.sidecar.is_3d:
        recording.log(
            "picture/points", rerun.Points2D(starts, colors=colours, labels=labels, show_labels=False)
        )
        strips, tints = _coloured_steps(lines, line_colours)
        recording.log("picture/traces", rerun.LineStrips2D(strips, colors=tints))
        return
    recording.log("world/points", rerun.Points3D(starts, colors=colours, labels=labels, show_labels=False))
    strips, tints = _coloured_steps(lines, line_colours)
    recording.log("world/traces", rerun.LineStrips3D(strips, colors=tints))


def _lines(
    episode: Episode, samples: Samples, rows: slice, frame: int
) -> tuple[list[Float[np.ndarray, "step d"]], UInt8[np.ndarray, "step 3"]]:
    """Each row's future, in the world (3-D) or in the picture (2-D), and the colour of each step."""
    traces = samples.traj[rows].astype(np.float64)
    valid = samples.valid_steps[rows]
    if not episode.sidecar.is_3d:
        places = traces[..., :2] + 0.5  # Rerun counts from the picture's corner
    else:
        camera = unproject(
            np.where(valid[..., None], traces, 1.0), episode.intrinsics[frame].astype(np.float64)
        )
        places = apply(invert(episode.camera_from_world[frame].astype(np.float64)), camera)
    longest = max(int(valid.sum(1).max()), 2)
    colours = np.array([trace_colour(step / (longest - 1)) for step in range(longest)], np.uint8)
    return [place[mask] for place, mask in zip(places, valid, strict=True)], colours


def _coloured_steps(
    lines: list[Float[np.ndarray, "step d"]], colours: UInt8[np.ndarray, "step 3"]
) -> tuple[list[Float[np.ndarray, "two d"]], UInt8[np.ndarray, "n 3"]]:
    """One strip per step, for a strip has one colour."""
    strips = [line[step : step + 2] for line in lines for step in range(len(line) - 1)]
    tints = [colours[step + 1] for line in lines for step in range(len(line) - 1)]
    return strips, np.array(tints, np.uint8).reshape(-1, 3)
