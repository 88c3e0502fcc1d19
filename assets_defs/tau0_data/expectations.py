"""Recordings of τ0: all that was asked for, labels that rise on successes and fall after errors, no leak."""

from collections import Counter
from pathlib import Path

import pandas as pd

from assets_defs.checks.params import ChecksParams
from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    in_set,
    known,
    not_blank,
    true,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import is_true, read_table
from assets_defs.sections import section
from mu0.dataset.splits import SPLITS
from mu0.params.tau0_data import Tau0DataParams
from mu0.tau0.data.scene_plan import SceneJob, plan_scenes
from mu0.tau0.data.summary import with_label_facts
from mu0.tau0.data.tables import Tables

KINDS = ("demonstration", "fault", "rollout", "branch", "hand", "umi")
MOST_HARMLESS = 0.35
NO_TASK = "no scene of a task, or no error, was asked for"


def suites(root: Path) -> list[Suite]:
    """Suites about data/tau0_data."""
    params, limits = section("tau0_data", Tau0DataParams, root), section("checks", ChecksParams, root)
    folder = root / "data/tau0_data"
    read = _read(folder)
    tables = Tables(  # what is missing is found by the suites of the three tables, and judged no further
        read.recordings.dropna().astype({"recording": int, "error_step": int}),
        read.frames.dropna(),
        read.branches.dropna(),
    )
    jobs = plan_scenes(params)
    recordings, episodes = tables.recordings, with_label_facts(tables)
    whole = episodes[episodes["kind"] != "branch"]
    is_success = is_true(whole["success"])
    errors = episodes[(episodes["kind"] == "fault") & ~is_true(episodes["harmless"])]
    demonstrations = recordings[recordings["kind"] == "demonstration"]
    faults = recordings[recordings["kind"] == "fault"]
    return [
        Suite("recordings", read.recordings, [
            *unique_together("scene_id", "recording"),
            *in_set("split", list(SPLITS)),
            *in_set("kind", list(KINDS)),
            *not_blank("scene_id", "instruction", "views"),
            *between("n_frames", 2),
            *between("error_step", -1),
            *known("success", "harmless", "task", "fault"),
        ]),
        Suite("scenes", facts(**_scene_facts(recordings, jobs, folder)), [
            *between("largest_number_of_splits_of_a_scene", 1, 1),
            *(each for name in ("n_missing_scenes", "n_other_scenes", "n_missing_videos")
              for each in between(name, 0, 0)),
        ]),
        Suite("labels", read.frames, [
            *unique_together("scene_id", "recording", "frame"),
            *(each for name in ("overall", "released") for each in between(name, -1.0, 1.0)),
            *between("held", 0),
        ], may_be_empty=NO_TASK),
        Suite("successes", whole.loc[is_success, ["scene_id", "recording", "n_falls", "last"]], [
            *between("n_falls", 0, 0),
            *between("last", 1.0, 1.0),
        ], may_be_empty=NO_TASK),
        Suite("errors", _after_errors(errors), true("holds"), may_be_empty=NO_TASK),
        Suite("branches", read.branches, [
            *unique_together("scene_id", "group", "chunk"),
            *between("start_gap", 0.0, 0.0),
            *between("n_frames", params.chunk_steps + 1, params.chunk_steps + 1),
            *(each for name in ("end_gap_m", "thing_gap_m") for each in between(name, 0.0)),
        ], may_be_empty=NO_TASK),
        Suite("asked", facts(
            n_incomplete_groups=_incomplete_groups(tables.branches, jobs, set(params.chunks)),
            n_faults_amiss=_faults_amiss(recordings, jobs),
            n_rollouts_amiss=abs(sum(job.rollout for job in jobs) - _count(recordings, "rollout")),
        ), [each for name in ("n_incomplete_groups", "n_faults_amiss", "n_rollouts_amiss")
            for each in between(name, 0, 0)]),
        Suite("outcomes", facts(
            demonstrator_success=float(is_true(demonstrations["success"]).mean()),
            harmless_share=float(is_true(faults["harmless"]).mean()),
        ), [
            *between("demonstrator_success", limits.min_demonstrator_success, 1.0,
                     severity=WARNING, may_be_null=NO_TASK),
            *between("harmless_share", 0.0, MOST_HARMLESS, severity=WARNING, may_be_null=NO_TASK),
        ]),
    ]  # fmt: skip


def _read(folder: Path) -> Tables:
    recordings = read_table(
        folder / "recordings.parquet",
        numbers=("recording", "n_frames", "error_step"),
        flags=("success", "harmless"),
        texts=("scene_id", "task", "split", "kind", "instruction", "fault", "views"),
    )
    frames = read_table(
        folder / "frames.parquet",
        numbers=("recording", "frame", "held", "overall", "released"),
        texts=("scene_id",),
    )
    branches = read_table(
        folder / "branches.parquet",
        numbers=("group", "n_frames", "start_gap", "end_gap_m", "thing_gap_m"),
        texts=("scene_id", "chunk"),
    )
    return Tables(recordings, frames, branches)


def _scene_facts(recordings: pd.DataFrame, jobs: list[SceneJob], folder: Path) -> dict[str, float]:
    planned, found = {job.scene_id for job in jobs}, set(recordings["scene_id"])
    views = recordings.drop_duplicates("scene_id").set_index("scene_id")["views"]
    videos = [
        folder / "scenes" / scene / f"{view}.mp4" for scene in found for view in views[scene].split("+")
    ]
    return {
        "largest_number_of_splits_of_a_scene": float(recordings.groupby("scene_id")["split"].nunique().max()),
        "n_missing_scenes": float(len(planned - found)),
        "n_other_scenes": float(len(found - planned)),
        "n_missing_videos": float(sum(not video.is_file() for video in videos)),
    }


def _after_errors(errors: pd.DataFrame) -> pd.DataFrame:
    """Whether the label has fallen at the end of a failed recording; after a stall, that it did not rise."""
    falls = errors["last"] < errors["at_error"]
    rests = errors["highest_after"] <= errors["at_error"]
    holds = falls.where(errors["fault"] != "stall", rests)
    return errors[["scene_id", "recording", "fault"]].assign(holds=holds)


def _incomplete_groups(branches: pd.DataFrame, jobs: list[SceneJob], chunks: set[str]) -> int:
    """Moments that lack a chunk or have another one, and moments that are missing or too many."""
    planned = {(job.scene_id, group) for job in jobs for group in range(len(job.groups))}
    found: dict[tuple[str, int], set[str]] = {}
    for row in branches.to_dict("records"):
        found.setdefault((str(row["scene_id"]), int(row["group"])), set()).add(str(row["chunk"]))
    return len(planned ^ set(found)) + sum(found[key] != chunks for key in planned & set(found))


def _faults_amiss(recordings: pd.DataFrame, jobs: list[SceneJob]) -> int:
    """Errors that are missing or too many, by task and kind."""
    planned = Counter((job.task, str(job.fault)) for job in jobs if job.fault)
    faults = recordings[recordings["kind"] == "fault"]
    found = Counter(zip(faults["task"], faults["fault"], strict=True))
    return sum(((planned - found) + (found - planned)).values())


def _count(recordings: pd.DataFrame, kind: str) -> int:
    return int((recordings["kind"] == kind).sum())
