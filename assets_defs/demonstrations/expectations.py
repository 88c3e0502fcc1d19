"""Demonstrations: counts in the metadata are those of the tables, actions lie in the robot's reach."""

from pathlib import Path

import numpy as np
import pandas as pd

from assets_defs.checks.params import ChecksParams
from assets_defs.checks.suite import Suite, between, facts, finite, has_columns, n_rows, unique
from assets_defs.checks.tables import read_table
from assets_defs.sections import section
from mu0.files import read_json

REACH_M = 1.5
TURN_RAD = 2 * np.pi
ACTIONS = {"x_m": REACH_M, "y_m": REACH_M, "z_m": REACH_M, "yaw_rad": TURN_RAD}


def suites(root: Path) -> list[Suite]:
    """Suites about data/demonstrations, a LeRobotDataset v3.0."""
    limits = section("checks", ChecksParams, root)
    folder = root / "data/demonstrations"
    info = read_json(folder / "meta/info.json")
    frames = pd.concat(
        [read_table(path) for path in sorted(folder.glob("data/*/*.parquet"))] or [pd.DataFrame()]
    )
    action_names = [*ACTIONS, "gripper"]
    actions = pd.DataFrame(np.stack(frames["action"].to_list()), columns=action_names)
    return [
        Suite("frames", frames.drop(columns=["action", "observation.state"], errors="ignore"), [
            *has_columns("episode_index", "frame_index", "timestamp", "index", "task_index"),
            n_rows(1),
            unique("index"),
            between("timestamp", 0, None),
        ]),
        Suite("counts", facts(
            n_missing_frames=float(info["total_frames"] - len(frames)),
            n_missing_episodes=float(info["total_episodes"] - frames["episode_index"].nunique()),
            n_episodes=float(info["total_episodes"]),
            fps=float(info["fps"]),
        ), [
            between("n_missing_frames", 0, 0),
            between("n_missing_episodes", 0, 0),
            between("n_episodes", limits.min_demonstrations, None),
            between("fps", 1, 1000),
        ]),
        Suite("actions", actions, [
            *finite(*action_names),
            *(between(name, -limit, limit) for name, limit in ACTIONS.items()),
            between("gripper", 0.0, 1.0),
        ]),
    ]  # fmt: skip
