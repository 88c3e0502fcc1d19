"""A small dataset in which nothing is wrong, and ways to plant one fault into it."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mu0.sources.lerobot.whole_episode import Contents, WholeEpisode
from mu0.sources.lerobot.writing_v3 import write_v3
from mu0.sources.lerobot.writing_v21 import write_v21

FPS, N_EPISODES, LENGTH = 10, 5, 40
TOP = "observation.images.top"
NAMES = ["x_m", "y_m", "z_m", "gripper"]
COLUMNS = {
    name: {"dtype": "float32", "shape": [4], "names": NAMES} for name in ("observation.state", "action")
} | {"next.done": {"dtype": "bool", "shape": [1], "names": None}}


def calm_episode(number: int, length: int = LENGTH) -> WholeEpisode:
    """A hand that goes from place to place without haste, closes half way, and opens before the end."""
    share = np.linspace(0, 1, length)[:, None]
    start, goal = np.random.default_rng(number).uniform(-0.3, 0.3, (2, 3))
    place = start + (goal - start) * (10 * share**3 - 15 * share**4 + 6 * share**5)
    place += 0.02 * np.sin(2 * np.pi * (share + number / 7) * np.array([1, 2, 3]))
    closed = ((share > 0.4) & (share < 0.8)).astype(float)
    action = np.hstack([place, closed]).astype(np.float32)
    state = np.vstack([action[:1], action[:-1]])
    grey = (3 * np.arange(length) + 20 * number).astype(np.uint8)
    return WholeEpisode(
        columns={
            "observation.state": state, "action": action, "next.done": np.arange(length) == length - 1,
        },
        videos={TOP: np.broadcast_to(grey[:, None, None, None], (length, 16, 32, 3)).copy()},
        tasks=("move the hand",),
        facts={"success": number != 3},
    )  # fmt: skip


def calm_episodes() -> list[WholeEpisode]:
    return [calm_episode(number) for number in range(N_EPISODES)]


def write_calm(root: Path, version: str, episodes: list[WholeEpisode] | None = None) -> Path:
    contents = Contents(float(FPS), "arm", COLUMNS, {TOP: {}})
    write: Any = {"v2.1": write_v21, "v3.0": write_v3}[version]
    write(root, calm_episodes() if episodes is None else episodes, contents, crf=8)
    return root


def changed_column(root: Path, name: str, row: int, value: Any, episode: int = 1) -> None:
    """Change a value in a v3.0 dataset's table, and leave its statistics as they are."""
    path = root / "data/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    values = table[name].to_pylist()
    values[episode * LENGTH + row] = value
    column = pa.array(values, table.schema.field(name).type)
    pq.write_table(table.set_column(table.schema.names.index(name), name, column), path)
