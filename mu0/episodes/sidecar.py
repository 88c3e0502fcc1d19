"""mu0.json: what the official TraceExtract format forgets about an episode.

Rate, source frames, licence, who tracked it and with which versions, whether z means anything, and when every
re-timed step happened (`mu0.episodes.clock` reads that). The official readers look at fixed file names only,
so they do not notice it.

Schema 2 added `mode`, `absent`, `licences` and `intrinsics_source`; files of schema 1 are still read.
"""

import json
import zlib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mu0.episodes.retiming import Retiming, read_retiming
from mu0.errors import EpisodeError

SIDECAR_NAME = "mu0.json"
META_NAME = "meta.json"
DESCRIPTION_NAME = "description.txt"
SCHEMA = 2
READABLE_SCHEMAS = (1, 2)
MODES = ("traceextract", "traceforge")


ABSENT = {
    "depth": "depth images",
    "cameras": "camera matrices and poses (an assumed lens, a still camera)",
    "history": "the past of every trace",
    "raw_traj": "positions at clock time beyond the anchor frame",
    "visibs": "visibility",
    "cluster_ids": "entity numbers",
    "is_moving": "the movement flag (here by TraceGen's rule)",
    "acceleration": "acceleration",
}


@dataclass(frozen=True)
class Sidecar:
    """Provenance and meaning of one episode.

    Attributes:
        source: Source name.
        clip_id: Clip name; "<source>/<clip_id>" is the episode id.
        scene_id: Splits never cut a scene.
        embodiment: "ur3", "human_hand" or "unknown".
        instruction: The source's own instruction; empty if it has none.
        licence: Licence of the video.
        simulated: True for clips of our own simulator.
        video_sha256: Hash of the source video.
        fps_hz: Rate of the kept frames; 0 if unknown.
        source_frames: Source frame number of every kept frame.
        is_3d: False if z is zero everywhere because only pixel tracks are known.
        pose_source: "given", "odometry" or "none".
        backends: Role to backend name, e.g. {"tracker": "lucas_kanade"}.
        versions: Package to version.
        retiming: Clock time of the re-timed steps; None if there are no samples.
        mode: "traceextract", or "traceforge": a grid of points, followed forward, static ones kept.
        absent: Official content that this episode never had, e.g. "depth" or "history" after a conversion
            from a format without it (`ABSENT`).
        licences: Backend to licence of its weights and code.
        intrinsics_source: "data", "calibration", "predicted", "assumed_fov", "none" or "unknown".
        schema: Version of this file's layout.
    """

    source: str
    clip_id: str
    scene_id: str
    embodiment: str
    instruction: str
    licence: str
    simulated: bool
    video_sha256: str
    fps_hz: float
    source_frames: tuple[int, ...]
    is_3d: bool
    pose_source: str
    backends: dict[str, str]
    versions: dict[str, str]
    retiming: Retiming | None = None
    mode: str = "traceextract"
    absent: tuple[str, ...] = ()
    licences: dict[str, str] = field(default_factory=dict)
    intrinsics_source: str = "unknown"
    schema: int = SCHEMA

    @property
    def episode_id(self) -> str:
        """Name of the episode everywhere outside its folder."""
        return f"{self.source}/{self.clip_id}"


def sidecar_text(sidecar: Sidecar) -> str:
    """The text of mu0.json; equal sidecars give equal bytes."""
    content: dict[str, Any] = {item.name: getattr(sidecar, item.name) for item in fields(sidecar)}
    content["retiming"] = sidecar.retiming.to_json() if sidecar.retiming else None
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_sidecar(folder: Path, n_frames: int) -> Sidecar:
    """Read mu0.json; an official episode, which has none, gets one that admits what it does not know.

    Args:
        folder: Episode folder.
        n_frames: Number of frames, for an episode without mu0.json.

    Raises:
        EpisodeError: The file is damaged or of an unknown schema version.
    """
    path = folder / SIDECAR_NAME
    if not path.exists():
        return _unknown(folder, n_frames)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] not in READABLE_SCHEMAS:
            raise EpisodeError(
                f"{path} has schema version {content['schema']}.",
                expected=f"version {' or '.join(map(str, READABLE_SCHEMAS))}",
                remedy="update mu0 if a newer version wrote it, or extract this clip again with `mu0 run`.",
            )
        content["schema"] = SCHEMA
        for name in ("source_frames", "absent"):
            content[name] = tuple(content.get(name, ()))
        content["retiming"] = read_retiming(folder, content["retiming"]) if content["retiming"] else None
        return Sidecar(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        raise EpisodeError(
            f"{path} is damaged: {error}.",
            expected="the sidecar that mu0 writes beside an episode",
            remedy="extract this clip again with `mu0 run`.",
        ) from error


def read_description(folder: Path) -> str:
    """The instructions in description.txt, one per line; empty if there are none.

    Raises:
        EpisodeError: The file is not UTF-8 text.
    """
    return _text(folder / DESCRIPTION_NAME, "instructions in UTF-8, one per line").strip()


def read_meta(folder: Path) -> dict[str, Any] | None:
    """The content of meta.json; None if there is none.

    Raises:
        EpisodeError: The file is not a JSON object.
    """
    text = _text(folder / META_NAME, "a JSON object")
    if not text:
        return None
    try:
        content = json.loads(text)
    except ValueError as error:
        raise _unreadable(folder / META_NAME, str(error), "a JSON object") from error
    if not isinstance(content, dict):
        raise _unreadable(folder / META_NAME, f"a JSON {type(content).__name__}", "a JSON object")
    return content


def _text(path: Path, expected: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise _unreadable(path, str(error), expected) from error


def _unreadable(path: Path, why: str, expected: str) -> EpisodeError:
    return EpisodeError(
        f"{path} is damaged: {why}.",
        expected=expected,
        remedy="mend or delete this file; the traces do not depend on it.",
    )


def _unknown(folder: Path, n_frames: int) -> Sidecar:
    meta = read_meta(folder) or {}
    return Sidecar(
        source=str(meta.get("dataset") or folder.parent.name),
        clip_id=folder.name,
        scene_id=folder.name,
        embodiment="unknown",
        instruction=read_description(folder).partition("\n")[0].strip(),
        licence="unknown",
        simulated=False,
        video_sha256="",
        fps_hz=0.0,
        source_frames=tuple(range(n_frames)),
        is_3d=True,
        pose_source="none",
        backends={},
        versions={},
    )
