"""Demonstrations: counts in the metadata are those of the tables, each has a label, actions lie in reach."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assets_defs.checks.params import ChecksParams
from assets_defs.checks.suite import Suite, between, facts, unique, unique_together
from assets_defs.checks.tables import is_true, number_at, read_table
from assets_defs.sections import section
from mu0.files import read_json

REACH_M = 1.5
TURN_RAD = 2 * np.pi
LARGEST_STATE = 100.0  # metres, radians, shares: nothing on a table comes near
ACTIONS = {"x_m": REACH_M, "y_m": REACH_M, "z_m": REACH_M, "yaw_rad": TURN_RAD}
TILTING = {"tilt_rad": TURN_RAD}  # of the tasks whose hand tilts
EPISODES = "meta/episodes/chunk-000/file-000.parquet"
VECTORS = ("action", "observation.state")
COUNTERS = ("episode_index", "frame_index", "timestamp", "index", "task_index")


def suites(root: Path) -> list[Suite]:
    """Suites about data/demonstrations, a LeRobotDataset v3.0."""
    limits = section("checks", ChecksParams, root)
    folder = root / "data/demonstrations"
    info = read_json(folder / "meta/info.json")
    frames = _read_frames(folder)
    episodes = read_table(folder / EPISODES, flags=["success"])
    limits_of = ACTIONS | (TILTING if "tilt_rad" in _action_names(info) else {})
    action_names = [*limits_of, "gripper"]
    states = _sizes_of(frames["observation.state"])
    n_episodes = number_at(info, "total_episodes")
    return [
        Suite("frames", frames[[*COUNTERS]], [
            *unique("index"),
            *unique_together("episode_index", "frame_index"),
            *(each for name in COUNTERS for each in between(name, 0)),
        ]),
        Suite("counts", facts(
            n_missing_frames=number_at(info, "total_frames") - len(frames),
            n_missing_episodes=n_episodes - frames["episode_index"].nunique(),
            n_unlabelled=int(episodes["success"].isna().sum()),
            n_successful=int(is_true(episodes["success"]).sum()),
            fps=number_at(info, "fps"),
        ), [
            *between("n_missing_frames", 0, 0),
            *between("n_missing_episodes", 0, 0),
            *between("n_unlabelled", 0, 0),
            *between("n_successful", limits.min_demonstrations),
            *between("fps", 1, 1000),
        ]),
        Suite("actions", _numbers_of(frames["action"], action_names), [
            *(each for name, limit in limits_of.items() for each in between(name, -limit, limit)),
            *between("gripper", 0.0, 1.0),
        ]),
        Suite("states", states, [
            *between("largest", 0.0, LARGEST_STATE),
            *between("size", float(states["size"].max()) if len(states) else 1.0),
        ]),
    ]  # fmt: skip


def _action_names(info: object) -> list[str]:
    """Of info.json; none where it does not say, which other expectations tell."""
    for key in ("features", "action", "names"):
        info = info.get(key) if isinstance(info, dict) else None
    return [str(name) for name in info] if isinstance(info, list) else []


def _read_frames(folder: Path) -> pd.DataFrame:
    """One row per frame of all data files; no row where there is no file."""
    tables = [
        read_table(path, numbers=COUNTERS, vectors=VECTORS)
        for path in sorted(folder.glob("data/*/*.parquet"))
    ]
    return pd.concat(tables) if tables else pd.DataFrame(columns=[*COUNTERS, *VECTORS])


def _numbers_of(vectors: "pd.Series[Any]", names: list[str]) -> pd.DataFrame:
    """One column per entry; NaN in all of them where a vector is missing or has another length."""
    gap = np.full(len(names), np.nan)
    rows = [np.asarray(each, float) if np.size(each) == len(names) else gap for each in vectors]
    return pd.DataFrame(np.array(rows, float).reshape(-1, len(names)), columns=names)


def _sizes_of(vectors: "pd.Series[Any]") -> pd.DataFrame:
    """One row per vector: how many entries it has, and the largest of them; NaN where one is not finite."""
    arrays = [np.atleast_1d(np.asarray(each, float)) for each in vectors]
    return pd.DataFrame({"size": [float(np.size(each)) for each in vectors],
                         "largest": [float(np.abs(each).max(initial=0.0)) for each in arrays]})  # fmt: skip
