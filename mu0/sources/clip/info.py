"""clip.json: what is known about a clip."""

import json
import typing
from dataclasses import dataclass, fields
from pathlib import Path

from mu0.errors import SourceError

SCHEMA = 1
REBUILD = "delete this clip's folder and run `mu0 run` again."


@dataclass(frozen=True)
class ClipInfo:
    """The content of clip.json."""

    clip_id: str
    source: str
    fps_hz: float
    n_frames: int
    width_px: int
    height_px: int
    instruction: str = ""
    embodiment: str = "unknown"  # "ur3", "human_hand" or "unknown"
    scene_id: str = ""
    licence: str = ""
    video: str = "video.mp4"
    has_depth: bool = False
    has_intrinsics: bool = False
    has_poses: bool = False
    has_robot: bool = False
    intrinsics_source: str = "none"  # "data", "calibration", "assumed_fov" or "none"
    hand_eye_source: str = "none"  # "data" or "calibration": the poses' world is the robot's frame
    has_times: bool = False  # times.npz tells each frame's number and time in the source
    video_sha256: str = ""
    simulated: bool = False
    median_depth_m: float = 0.0  # over all images and measured pixels; 0 where there is no depth
    note: str = ""  # what the reader of this clip should know, what was left out or not used
    schema: int = SCHEMA


def read_info(folder: Path) -> ClipInfo:
    """Read clip.json.

    Raises:
        SourceError: The file is missing, not JSON, or a field is missing, unknown or of another type.
    """
    path = folder / "clip.json"
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise SourceError(
            f"{path} is missing.", expected="a clip folder with clip.json", remedy=REBUILD
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{path} is not valid JSON: {error}.", expected="a JSON object", remedy=REBUILD
        ) from error
    names = [field.name for field in fields(ClipInfo)]
    found = sorted(content) if isinstance(content, dict) else type(content).__name__
    if found != sorted(names):
        raise SourceError(
            f"{path} holds {found}.", expected=f"exactly the keys {sorted(names)}", remedy=REBUILD
        )
    for name, expected in typing.get_type_hints(ClipInfo).items():
        allowed = (int, float) if expected is float else expected
        value = content[name]
        if not isinstance(value, allowed) or (isinstance(value, bool) and expected is not bool):
            raise SourceError(
                f"{path}: {name} is {value!r}.",
                expected=f"a value of type {expected.__name__}",
                remedy=REBUILD,
            )
        content[name] = float(value) if expected is float else value
    return ClipInfo(**content)
