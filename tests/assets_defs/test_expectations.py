"""Every suite passes on good tables and finds one planted fault; reports are small, stable and readable."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from good_artifacts import ARTIFACTS, put_json

from mu0.errors import CheckFailedError, StageError

pytestmark = [
    pytest.mark.slow,  # importing Great Expectations takes seconds
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]


def check(artifact: str, root: Path) -> dict[str, Any]:
    from assets_defs.checks.__main__ import check_artifact

    check_artifact(artifact, root)
    return json.loads((root / f"reports/checks/{artifact}.json").read_text())


def edit(path: Path, row: int, **values: Any) -> None:
    table = pd.read_parquet(path)
    for column, value in values.items():
        table.loc[row, column] = value
    table.to_parquet(path)


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_good_artifacts_pass_and_reports_are_stable(project: Path, artifact: str) -> None:
    first = check(artifact, project)
    assert first["passed"]
    assert [result for result in first["results"] if not result["success"]] == []
    assert check(artifact, project) == first


@pytest.mark.parametrize(
    ("artifact", "table", "fault", "words"),
    [
        ("raw_videos", "data/raw_videos/index.parquet", {"clip_id": "b"}, "compound columns to be unique"),
        ("raw_videos", "data/raw_videos/index.parquet", {"fps_hz": 0.0}, "column fps_hz"),
        ("extracted_traces", "data/extracted_traces/quality.parquet", {"clip_id": "zz"}, "n_missing"),
        ("extracted_traces", "data/extracted_traces/quality.parquet", {"n_slots": 0}, "column n_slots"),
        ("extracted_traces", "data/extracted_traces/quality.parquet", {"n_points_out": 39},
         "points_that_vanished"),
        ("extracted_traces", "data/extracted_traces/quality.parquet", {"n_frames": 17},
         "frames_that_vanished"),
        ("extracted_traces", "data/extracted_traces/drops.parquet", {"level": "point"},
         "frames_that_vanished"),
        ("extracted_traces", "data/extracted_traces/drops.parquet", {"count": 0}, "column count"),
        ("extracted_traces", "data/extracted_traces/sources.parquet", {"n_pairs_unaccounted": 3},
         "column n_pairs_unaccounted"),
        ("extracted_traces", "data/extracted_traces/sources.parquet", {"n_clips": 17}, "clips_that_vanished"),
        ("captions", "data/captions/captions.parquet", {"instruction_2": " "}, "column instruction_2"),
        ("captions", "data/captions/captions.parquet", {"start_idx": 9}, "column_B start_idx"),
        ("captions", "data/captions/captions.parquet", {"episode_id": "ur3_sim/b"}, "n_without_caption"),
        ("trace_dataset", "data/trace_dataset/index.parquet", {"scene_id": "test"},
         "largest_number_of_splits_of_a_scene"),
        ("ur3_report", "reports/ur3_report/rollouts.parquet", {"n_steps": 41}, "most_steps_beyond_horizon"),
        ("ur3_report", "reports/ur3_report/rollouts.parquet", {"score": 1.5}, "column score"),
        ("trace_report", "reports/trace_report/table.parquet", {"ade_uv": float("nan")}, "column ade_uv"),
        ("trace_report", "reports/trace_report/table.parquet", {"method": "other"}, "n_missing"),
        ("trace_report", "reports/trace_report/by_phase.parquet", {"ade_uv": float("nan")}, "column ade_uv"),
        ("trace_report", "reports/trace_report/gripper.parquet", {"phase": "lunch"}, "column phase"),
        ("tau0_data", "data/tau0_data/recordings.parquet", {"split": "test"}, "column n_splits"),
        ("tau0_data", "data/tau0_data/branches.parquet", {"scene_id": "elsewhere"}, "n_incomplete_groups"),
        ("tau0_data", "data/tau0_data/frames.parquet", {"overall": 1.5}, "column overall"),
        ("tau0_data", "data/tau0_data/frames.parquet", {"overall": 0.9}, "column n_falls"),
        ("tau0_data", "data/tau0_data/branches.parquet", {"chunk": "hold"}, "compound columns to be unique"),
        ("tau0_data", "data/tau0_data/branches.parquet", {"start_gap": 1e-7}, "column start_gap"),
        ("tau0_data", "data/tau0_data/branches.parquet", {"group": 5}, "n_incomplete_groups"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found_and_named(
    project: Path, artifact: str, table: str, fault: dict[str, Any], words: str
) -> None:
    edit(project / table, 0, **fault)
    with pytest.raises(CheckFailedError) as caught:
        check(artifact, project)
    assert words in str(caught.value)
    assert not (project / f"reports/checks/{artifact}.json").exists()
    assert not json.loads((project / f"reports/checks_failed/{artifact}.json").read_text())["passed"]


def test_a_weight_that_is_not_finite_blocks(project: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"w": torch.tensor([1.0, float("nan")])}, project / "models/world_model/model.safetensors")
    with pytest.raises(CheckFailedError, match="column finite"):
        check("world_model", project)


def test_a_warning_lets_the_artifact_pass(project: Path) -> None:
    put_json(project, "reports/trace_report_metrics.json", {"mu0_minus_static_ade_uv": 0.1})
    report = check("trace_report", project)
    [broken] = [result for result in report["results"] if not result["success"]]
    assert report["passed"]
    assert broken["severity"] == "warning"


@pytest.mark.parametrize(
    ("changes", "faults", "passes"),
    [
        ({}, [], True),
        ({"phase": "gone"}, ["n_missing_phases"], False),
        ({"carry": 0.1}, ["carry_gripper", "carry_target"], False),
        ({"carry": 0.1, "n_episodes": 4}, ["carry_gripper", "carry_target"], True),
        ({"carry": 0.1, "known_by": "captions"}, ["carry_gripper", "carry_target"], True),
        ({"approach": 0.1}, ["approach_gripper"], True),
    ],
)
def test_phases_block_where_enough_is_known_and_warn_elsewhere(
    project: Path, changes: dict[str, Any], faults: list[str], *, passes: bool
) -> None:
    path = project / "reports/trace_report/by_phase.parquet"
    rows = pd.read_parquet(path)
    for phase in ("carry", "approach"):
        at = (rows["phase"] == phase) & (rows["method"] == "mu0")
        rows.loc[at, "minus_static_ade_uv"] = changes.get(phase, -0.1)
    if "phase" in changes:
        rows = rows[rows["phase"] != "approach"]
    rows.assign(**{key: changes[key] for key in ("n_episodes", "known_by") if key in changes}).to_parquet(
        path
    )
    if passes:
        report = check("trace_report", project)
        broken = [result for result in report["results"] if not result["success"]]
        assert {result["severity"] for result in broken} <= {"warning"}
        assert [name for name in faults if name not in str(broken)] == []
        assert bool(broken) == bool(faults)
    else:
        with pytest.raises(CheckFailedError) as caught:
            check("trace_report", project)
        assert [name for name in faults if name not in str(caught.value)] == []


def test_a_gripper_that_aims_beside_the_thing_is_a_warning(project: Path) -> None:
    edit(project / "reports/trace_report/gripper.parquet", 0, aim_xy_m=0.11)
    report = check("trace_report", project)
    [broken] = [result for result in report["results"] if not result["success"]]
    assert (broken["suite"], broken["severity"]) == ("grasp", "warning")


def test_a_missing_table_and_an_unknown_artifact_are_said(project: Path) -> None:
    (project / "data/captions/captions.parquet").unlink()
    with pytest.raises(StageError, match=r"captions.parquet is missing"):
        check("captions", project)
    with pytest.raises(StageError, match="no expectations about 'caption'"):
        check("caption", project)
