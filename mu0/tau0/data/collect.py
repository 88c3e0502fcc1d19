"""From params.yaml to a folder of recordings with labels and splits.

    scenes/<scene_id>/   `mu0.tau0.data.scene_files`
    *.parquet            `mu0.tau0.data.tables`
    about.json           what the recordings amount to, gamma, how much a hand-held gripper's commands count
    contents.json        a hash of all of it

Scenes are links into the cache; tables and labels are made anew each time.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from mu0.errors import DatasetError
from mu0.files import atomic_folder, sha256_of_tree, write_json
from mu0.params.tau0_data import Tau0DataParams
from mu0.sources.clip.cache import link_tree, only_collector
from mu0.tau0.data.recording import record_scenes
from mu0.tau0.data.scene_plan import plan_scenes
from mu0.tau0.data.summary import summarize
from mu0.tau0.data.tables import Tables, make_tables

ABOUT, CONTENTS = "about.json", "contents.json"


def collect_tau0_data(params: Tau0DataParams, goal: Path, cache: Path) -> dict[str, Any]:
    """Record what is missing, label, split, and write `goal`.

    Args:
        params: Section `tau0_data`.
        goal: Replaced when everything is there.
        cache: Finished scenes by content.

    Returns:
        What about.json holds.

    Raises:
        DatasetError: No scene is asked for.
        SimulationError: A scene cannot be recorded.
    """
    jobs = plan_scenes(params)
    if not jobs:
        raise DatasetError(
            "tau0_data asks for no scene.",
            expected="at least one task, hand or umi scene",
            remedy="raise tau0_data.scenes.pick in params.yaml.",
        )
    with only_collector(cache, goal):
        entries = record_scenes(jobs, cache, params.workers)
        with atomic_folder(goal) as folder:
            for job, entry in zip(jobs, entries, strict=True):
                link_tree(entry, folder / "scenes" / job.scene_id)
            tables = make_tables([folder / "scenes" / job.scene_id for job in jobs], params)
            write_tables(folder, tables)
            about = summarize(tables) | {
                "gamma": params.gamma,
                "umi_action_weight": params.umi_action_weight,
            }
            write_json(folder / ABOUT, about)
            write_json(folder / CONTENTS, {"sha256": sha256_of_tree(folder)})
    return about


def write_tables(folder: Path, tables: Tables) -> None:
    """Write the three tables into a folder."""
    tables.recordings.to_parquet(folder / "recordings.parquet", index=False)
    tables.frames.to_parquet(folder / "frames.parquet", index=False)
    tables.branches.to_parquet(folder / "branches.parquet", index=False)


def read_tables(folder: Path) -> Tables:
    """The tables of a folder that `collect_tau0_data` wrote.

    Raises:
        DatasetError: It is no such folder.
    """
    names = ("recordings", "frames", "branches")
    missing = [name for name in names if not (folder / f"{name}.parquet").is_file()]
    if missing:
        raise DatasetError(
            f"{folder} lacks {', '.join(f'{name}.parquet' for name in missing)}.",
            expected="a folder that the stage tau0_data wrote",
            remedy="run `dvc repro benchmarks/tau0/dvc.yaml`, or name another folder.",
        )
    return Tables(*(pd.read_parquet(folder / f"{name}.parquet") for name in names))
