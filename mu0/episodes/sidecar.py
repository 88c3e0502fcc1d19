"""mu0.json: what the official TraceExtract format forgets about an episode.

Rate, source frames, licence, who tracked it and with which versions, whether z means anything, and when every
re-timed step happened. The official readers look at fixed file names only, so they do not notice it.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mu0.episodes.retiming import Retiming
from mu0.errors import EpisodeError

SIDECAR_NAME = "mu0.json"
SCHEMA = 1


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
    """Read mu0.json; an official episode, which has none, gets one that admits it knows nothing.

    Args:
        folder: Episode folder.
        n_frames: Number of frames, for an episode without mu0.json.

    Raises:
        EpisodeError: The file is damaged or of another schema version.
    """
    path = folder / SIDECAR_NAME
    if not path.exists():
        return _unknown(folder, n_frames)
    try:
        content = json.loads(path.read_text())
        if content["schema"] != SCHEMA:
            raise EpisodeError(
                f"{path} has schema version {content['schema']}.",
                expected=f"version {SCHEMA}",
                remedy="extract this clip again with `mu0 run`.",
            )
        content["source_frames"] = tuple(content["source_frames"])
        content["retiming"] = Retiming.from_json(content["retiming"]) if content["retiming"] else None
        return Sidecar(**content)
    except (ValueError, KeyError, TypeError) as error:
        raise EpisodeError(
            f"{path} is damaged: {error}.",
            expected="the sidecar that mu0 writes beside an episode",
            remedy="extract this clip again with `mu0 run`.",
        ) from error


def _unknown(folder: Path, n_frames: int) -> Sidecar:
    return Sidecar(
        source=folder.parent.name,
        clip_id=folder.name,
        scene_id=folder.name,
        embodiment="unknown",
        instruction="",
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
