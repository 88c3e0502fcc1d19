"""The recordings that the smoke profile plans for τ0, in tables that were made up."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assets_defs.sections import section
from mu0.params.tau0_data import Tau0DataParams
from mu0.tau0.data.scene_plan import SceneJob, plan_scenes
from mu0.tau0.data.tables import FRAME_COLUMNS

N_FRAMES, ERROR_STEP = 17, 8
RISING = np.linspace(-0.9, 1, N_FRAMES)
FALLEN = np.where(np.arange(N_FRAMES) > ERROR_STEP, -1.0, RISING)


def put_tau0_data(root: Path) -> None:
    """Write data/tau0_data for the params below `root`."""
    folder = root / "data/tau0_data"
    recordings: list[dict[str, Any]] = []
    frames, branches = [], []
    for number, job in enumerate(plan_scenes(section("tau0_data", Tau0DataParams, root))):
        split = ("train", "val", "test")[number % 3]
        views = {"hand": ["front"], "umi": ["wrist"]}.get(job.source, ["front", "wrist"])
        for view in views:
            path = folder / "scenes" / job.scene_id / f"{view}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        for place, told in enumerate(_told(job)):
            row = {"scene_id": job.scene_id, "source": job.source, "task": job.task, "seed": job.seed}
            row |= {"split": split, "recording": place, "first_row": place * N_FRAMES, "n_frames": N_FRAMES}
            row |= {"instruction": "pick it", "views": "+".join(views), "harmless": False} | told
            recordings.append(row)
            if job.source == "task":
                frames.append(_frames(row))
            if told["kind"] == "branch":
                branches.append(row | {"start_gap": 0.0, "end_gap_m": 0.1, "thing_gap_m": 0.1})
    pd.DataFrame(recordings).to_parquet(folder / "recordings.parquet")
    pd.concat(frames, ignore_index=True).to_parquet(folder / "frames.parquet")
    pd.DataFrame(branches).to_parquet(folder / "branches.parquet")


def _told(job: SceneJob) -> list[dict[str, Any]]:
    nothing = {"fault": "", "error_step": -1, "group": -1, "chunk": "", "start_step": 0, "success": True}
    if job.source != "task":
        return [nothing | {"kind": job.source}]
    failed = {"success": False, "error_step": ERROR_STEP}
    return [
        nothing | {"kind": "demonstration"},
        *([nothing | {"kind": "fault", "fault": job.fault} | failed] if job.fault else []),
        *([nothing | {"kind": "rollout"}] if job.rollout else []),
        *(
            nothing | {"kind": "branch", "group": group, "chunk": chunk, "success": False}
            for group in range(len(job.groups))
            for chunk in job.chunks
        ),
    ]


def _frames(row: dict[str, Any]) -> pd.DataFrame:
    labels = RISING if row["error_step"] < 0 else FALLEN
    columns = {"scene_id": row["scene_id"], "recording": row["recording"], "frame": np.arange(N_FRAMES)}
    return pd.DataFrame(columns | {"held": 0, "overall": labels, "released": labels}, columns=FRAME_COLUMNS)
