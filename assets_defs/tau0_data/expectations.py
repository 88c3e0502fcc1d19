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
    mostly_in_set,
    not_blank,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import is_true, read_table
from assets_defs.sections import section
from mu0.dataset.splits import SPLITS
from mu0.params.tau0_data import Tau0DataParams
from mu0.tau0.data.scene_plan import SceneJob, plan_scenes
from mu0.tau0.data.summary import with_label_facts
from mu0.tau0.data.tables import LABELLED, Tables

KINDS = ("demonstration", "fault", "rollout", "branch", "hand", "umi")
MOST_HARMLESS = 0.35
FALLING = 0.9  # of errors; now and then one ends with more in the hand than it began with
NO_TASK = "no scene of a task, or no error, was asked for"


def suites(root: Path) -> list[Suite]:
    """Suites about data/tau0_data."""
    params, limits = section("tau0_data", Tau0DataParams, root), section("checks", ChecksParams, root)
    folder = root / "data/tau0_data"
    read = _read(folder)
    known_rows = Tables(  # what is missing is found by the suites of the tables, and judged no further
        read.recordings.dropna().astype({"recording": int, "error_step": int}),
        read.frames.dropna(),
        read.branches.dropna(),
    )
    return [
        *_table_suites(read, params.chunk_steps),
        *_asked_suites(known_rows, params, folder),
        *_label_suites(known_rows, limits.min_demonstrator_success),
    ]


def _table_suites(tables: Tables, chunk_steps: int) -> list[Suite]:
    """Every table has its values, within their range; branches of a moment begin alike, to the last bit."""
    return [
        Suite("recordings", tables.recordings, [
            *unique_together("scene_id", "recording"),
            *in_set("split", list(SPLITS)),
            *in_set("kind", list(KINDS)),
            *not_blank("scene_id", "instruction", "views"),
            *between("n_frames", 2),
            *between("error_step", -1),
            *known("success", "harmless", "task", "fault"),
        ]),
        Suite("labels", tables.frames, [
            *unique_together("scene_id", "recording", "frame"),
            *(each for name in ("overall", "released") for each in between(name, -1.0, 1.0)),
            *between("held", 0),
        ], may_be_empty=NO_TASK),
        Suite("branches", tables.branches, [
            *unique_together("scene_id", "group", "chunk"),
            *between("start_gap", 0.0, 0.0),
            *between("n_frames", chunk_steps + 1, chunk_steps + 1),
            *(each for name in ("end_gap_m", "thing_gap_m") for each in between(name, 0.0)),
        ], may_be_empty=NO_TASK),
    ]  # fmt: skip


def _asked_suites(tables: Tables, params: Tau0DataParams, folder: Path) -> list[Suite]:
    """What was asked for is there, all of it and nothing else, and no scene lies in two splits."""
    jobs, recordings = plan_scenes(params), tables.recordings
    counted = {
        "n_incomplete_groups": _incomplete_groups(tables.branches, jobs, set(params.chunks)),
        "n_faults_amiss": _faults_amiss(recordings, jobs),
        "n_rollouts_amiss": abs(sum(job.rollout for job in jobs) - _count(recordings, "rollout")),
        "n_unlabelled": int(recordings["kind"].isin(LABELLED).sum()) - len(with_label_facts(tables)),
    } | _scene_facts(recordings, jobs, folder)
    return [
        Suite("asked", facts(**counted, n_splits=_most_splits(recordings)), [
            *(each for name in counted for each in between(name, 0, 0)),
            *between("n_splits", 1, 1),
        ]),
    ]  # fmt: skip


def _label_suites(tables: Tables, min_success: float) -> list[Suite]:
    """Labels rise on successes and fall after errors; the demonstrator succeeds, its errors mostly do not."""
    recordings, episodes = tables.recordings, with_label_facts(tables)
    whole = episodes[episodes["kind"] != "branch"]
    successes = whole.loc[is_true(whole["success"]), ["scene_id", "recording", "n_falls", "last"]]
    succeeded = set(whole.loc[(whole["kind"] == "demonstration") & is_true(whole["success"]), "scene_id"])
    is_error = (episodes["kind"] == "fault") & ~is_true(episodes["harmless"])
    errors = episodes[is_error & episodes["scene_id"].isin(succeeded)]
    success = is_true(recordings.loc[recordings["kind"] == "demonstration", "success"])
    harmless = is_true(recordings.loc[recordings["kind"] == "fault", "harmless"])
    outcomes = facts(demonstrator_success=float(success.mean()), harmless_share=float(harmless.mean()))
    return [
        Suite("successes", successes, [
            *between("n_falls", 0, 0),
            *between("last", 1.0, 1.0),
        ], may_be_empty=NO_TASK),
        Suite("errors", _after_errors(errors), [
            *mostly_in_set("holds", [True], mostly=FALLING, among=[True, False]),
        ], may_be_empty=NO_TASK),
        Suite("outcomes", outcomes, [
            *between("demonstrator_success", min_success, 1.0, severity=WARNING, may_be_null=NO_TASK),
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


def _scene_facts(recordings: pd.DataFrame, jobs: list[SceneJob], folder: Path) -> dict[str, int]:
    planned, found = {job.scene_id for job in jobs}, set(recordings["scene_id"])
    views = recordings.drop_duplicates("scene_id").set_index("scene_id")["views"]
    videos = [
        folder / "scenes" / scene / f"{view}.mp4" for scene in found for view in views[scene].split("+")
    ]
    return {
        "n_missing_scenes": len(planned - found),
        "n_other_scenes": len(found - planned),
        "n_missing_videos": sum(not video.is_file() for video in videos),
    }


def _most_splits(recordings: pd.DataFrame) -> float:
    """The largest number of splits that a scene lies in."""
    return float(recordings.groupby("scene_id")["split"].nunique().max())


def _after_errors(errors: pd.DataFrame) -> pd.DataFrame:
    """Whether the label has fallen at the end; after a stall, that it did not rise."""
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
