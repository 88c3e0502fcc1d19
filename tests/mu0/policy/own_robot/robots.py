"""LeRobotDatasets of made-up arms, in the true layouts of v2.1 and v3.0, whose numbers mean what they say.

Joints swing; a commanded joint is the state of the next row. A gripper closes in the middle of an episode.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.mu0.sources.lerobot import lerobot_layouts as layouts

CAMERAS = ("observation.images.top", "observation.images.wrist", "observation.images.side")


def joint_names(n_joints: int, *, gripper: bool = True) -> list[str]:
    return [f"joint_{i}" for i in range(n_joints - gripper)] + ["gripper"] * gripper


def swing(n_rows: int, n_joints: int, phase: float, *, gripper: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """State and action of an episode."""
    time = np.arange(n_rows + 1)[:, None] / 5
    path = np.sin(time + phase + np.arange(n_joints))
    if gripper:
        path[:, -1] = (np.arange(n_rows + 1) > n_rows / 2) * 1.0
    return path[:-1].astype(np.float32), path[1:].astype(np.float32)


def write_robot(
    root: Path,
    version: str,
    lengths: list[int],
    n_joints: int = 7,
    n_cameras: int = 1,
    names: Any = None,
    *,
    gripper: bool = True,
) -> Path:
    """Write a dataset; `names` is what info.json says of both vectors."""
    cameras = {key: layouts.video_feature() for key in CAMERAS[:n_cameras]}
    size = (n_joints, n_joints)
    if version == "v3.0":
        layouts.write_v3(root, lengths, cameras, robot_size=size)
    else:
        layouts.write_v2(root, version, lengths, cameras, robot_size=size)
    info = json.loads((root / "meta/info.json").read_text())
    for key in ("observation.state", "action"):
        info["features"][key]["names"] = names
    (root / "meta/info.json").write_text(json.dumps(info))
    episodes = [swing(n, n_joints, phase, gripper=gripper) for phase, n in enumerate(lengths)]
    files = sorted((root / "data").rglob("*.parquet"))
    groups = [episodes] if version == "v3.0" else [[one] for one in episodes]
    for file, own in zip(files, groups, strict=True):
        set_vectors(file, *(np.concatenate(column) for column in zip(*own, strict=True)))
    return root


def set_vectors(file: Path, state: np.ndarray, action: np.ndarray) -> None:
    """Put states and actions into a data file."""
    table = pq.read_table(file)
    for name, values in (("observation.state", state), ("action", action)):
        flat = pa.array(values.astype(np.float32).ravel())
        column = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
        table = table.set_column(table.schema.get_field_index(name), name, column)
    pq.write_table(table, file)
