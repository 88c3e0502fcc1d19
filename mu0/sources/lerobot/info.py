"""meta/info.json of a LeRobotDataset, value by value: what is wrong is told with its key, before it is used.

Programs that write datasets leave nulls, zeros and texts in places of numbers; what is not needed may be
anything. File names are templates with a few variables: others, and reaching into these, are refused.
"""

import math
import string
from pathlib import Path
from typing import Any, TypeGuard

from mu0.errors import SourceError, StageError
from mu0.files import read_json

VERSIONS = ("v2.0", "v2.1", "v3.0")
AGAIN = "download or write the dataset again."
VARIABLES_V2 = frozenset({"video_key", "episode_index", "episode_chunk"})
VARIABLES_V3 = frozenset({"video_key", "chunk_index", "file_index"})


def read_info(root: Path) -> dict[str, Any]:
    """Read and check meta/info.json.

    Raises:
        SourceError: It is missing or no JSON, of an unknown version, or a value cannot be used.
    """
    try:
        info = read_json(root / "meta/info.json")
    except StageError as error:
        raise SourceError(
            error.found,
            expected="a LeRobotDataset folder with meta/info.json",
            remedy="correct `raw_videos.sources.<name>.folder` in params.yaml.",
        ) from error
    version = info.get("codebase_version") if isinstance(info, dict) else None
    if version not in VERSIONS:
        raise SourceError(
            f"{root}/meta/info.json has codebase_version {version!r}.",
            expected=f"one of {', '.join(VERSIONS)}",
            remedy="convert the dataset with LeRobot's own scripts.",
        )
    if fault := _fault_of(info, VARIABLES_V3 if version == "v3.0" else VARIABLES_V2):
        key, value, expected = fault
        raise SourceError(
            f"{root}/meta/info.json: {key} is {_shown(value)}.", expected=expected, remedy=AGAIN
        )
    return dict(info)


def _fault_of(info: dict[str, Any], variables: frozenset[str]) -> tuple[str, object, str] | None:
    """The first value that cannot be used: its key, itself, and what should be there."""
    fps, features = info.get("fps"), info.get("features")
    if not _is_number(fps) or not 0 < fps < math.inf:
        return "fps", fps, "a positive rate"
    if not isinstance(features, dict):
        return "features", features, "a table of features"
    for name, feature in features.items():
        if fault := _fault_of_feature(f"features.{name}", feature):
            return fault
    wholes = {"total_episodes": 0} | ({"chunks_size": 1} if variables is VARIABLES_V2 else {})
    for key, lowest in wholes.items():
        value = info.get(key, lowest)
        if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
            return key, value, f"a whole number from {lowest} on"
    has_videos = any(feature.get("dtype") == "video" for feature in features.values())
    for key in ("data_path", "video_path") if has_videos else ("data_path",):
        template = info.get(key)
        if not isinstance(template, str) or not _is_template(template, variables):
            return key, template, f"a name with the variables {', '.join(sorted(variables))} only"
    return None


def _fault_of_feature(key: str, feature: object) -> tuple[str, object, str] | None:
    if not isinstance(feature, dict):
        return key, feature, "a table with dtype and shape"
    shape = feature.get("shape")
    sides = shape if isinstance(shape, list | tuple) else [] if shape is None else [None]
    if not all(_is_number(side) for side in sides):
        return f"{key}.shape", shape, "a list of numbers"
    for part in ("info", "video_info"):
        if not isinstance(feature.get(part), dict | None):
            return f"{key}.{part}", feature[part], "a table, or nothing"
    return None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_template(template: str, variables: frozenset[str]) -> bool:
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
        template.format(**dict.fromkeys(variables - {"video_key"}, 0), video_key="")
    except (ValueError, LookupError):
        return False
    return names <= variables


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
