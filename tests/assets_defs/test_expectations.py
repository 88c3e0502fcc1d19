"""Every suite passes on good tables and finds one planted fault; reports are small, stable and readable."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mu0.errors import CheckFailedError, StageError

pytestmark = [
    pytest.mark.slow,  # importing Great Expectations takes seconds
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]

CLIP: dict[str, Any] = {
    "clip_id": "a", "source": "ur3_sim", "status": "ok", "reason": "", "n_frames": 20, "width_px": 64,
    "height_px": 64,
    "fps_hz": 10.0, "has_depth": True, "has_poses": True, "has_robot": True, "instruction": "pick",
    "scene_id": "s1",
    "embodiment": "ur3", "simulated": True, "demonstrator_success": True,
}  # fmt: skip
EPISODE: dict[str, Any] = {
    "clip_id": "a", "source": "ur3_sim", "scene_id": "s1", "status": "ok", "reason": "", "is_3d": True,
    "pose_source": "given", "n_slots": 3, "n_rows": 30, "n_points_total": 40, "coverage": 0.4,
    "median_reprojection_error_px": 0.3, "static_jitter_m": 0.001, "visible_share": 0.9, "moving_share": 0.2,
    "moving_jitter_m": 0.002, "pose_residual_px": 0.3, "intrinsics_source": "data",
    "n_frames": 18, "n_points_in": 50, "n_points_out": 40, "n_pairs_in": 90,
}  # fmt: skip
DROPS = [
    {"source": "ur3_sim", "clip_id": name, "level": level, "reason": reason, "count": count, "detail": ""}
    for name in "abcdefghijkl"
    for level, reason, count in [("frame", "rate", 2), ("point", "no_depth", 10), ("pair", "static", 60)]
] + [
    {"source": "ur3_sim", "clip_id": name, "level": "clip", "reason": "unreadable", "count": 1, "detail": "x"}
    for name in "mnop"
]
SOURCE: dict[str, Any] = {
    "source": "ur3_sim", "n_clips": 16, "n_frames_in": 240, "n_clips_unaccounted": 0,
    "n_frames_unaccounted": 0, "n_points_unaccounted": 0, "n_pairs_unaccounted": 0,
}  # fmt: skip
CAPTION: dict[str, Any] = {
    "episode_id": "ur3_sim/a", "kind": "chunk", "chunk_id": 0, "start_idx": 0, "end_idx": 5,
    "instruction_1": "pick it", "instruction_2": "take it", "instruction_3": "grasp it",
}  # fmt: skip
SLOT: dict[str, Any] = {"source": "s", "slot": 0, "frame_index": 0, "n_rows": 4, "is_3d": True}


def put(root: Path, name: str, rows: list[dict[str, Any]]) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_parquet(path)


def put_json(root: Path, name: str, content: Any) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Good artifacts, as small as they can be."""
    import torch
    from safetensors.torch import save_file

    (tmp_path / "params.yaml").write_text(Path("profiles/smoke.yaml").read_text())
    put(tmp_path, "data/raw_videos/index.parquet", [
        CLIP | {"clip_id": name} | ({"status": "failed", "reason": "x"} if name in "mnop" else {})
        for name in "abcdefghijklmnop"
    ])  # fmt: skip
    put(
        tmp_path,
        "data/extracted_traces/quality.parquet",
        [EPISODE | {"clip_id": name} for name in "abcdefghijkl"],
    )
    put(tmp_path, "data/extracted_traces/sources.parquet", [SOURCE])
    put(tmp_path, "data/extracted_traces/drops.parquet", DROPS)
    for name in "abcdefghijkl":
        (tmp_path / "data/extracted_traces/ur3_sim" / name).mkdir(parents=True)
    put(
        tmp_path,
        "data/captions/captions.parquet",
        [CAPTION | {"episode_id": f"ur3_sim/{name}"} for name in "abcdefghijkl"],
    )
    put(tmp_path, "data/trace_dataset/index.parquet", [
        SLOT | {"episode_id": f"s/{split}", "scene_id": split, "split": split}
        for split in ("train", "val", "test")
    ])  # fmt: skip
    put_json(tmp_path, "data/trace_dataset/normalizer_stats.json", {"delta": {"std": [0.1, 0.1, 0.2]}})
    folder = tmp_path / "models/world_model"
    for name in ("config.json", "normalizer_stats.json", "tokenizer.json", "meta.json"):
        put_json(folder, name, {})
    save_file({"w": torch.ones(2)}, folder / "model.safetensors")
    put_json(tmp_path, "reports/training/world_model.json", {"loss": 0.5})
    horizons = (8, 16, 32)
    put(tmp_path, "reports/trace_report/table.parquet", [
        {"method": method, "source": "all", "points": "all", "horizon": horizon, "ade_uv": 0.1, "fde_uv": 0.2,
         "ade_m": 0.1}
        for method in ("mu0", "static", "constant_velocity") for horizon in horizons
    ])  # fmt: skip
    put_json(tmp_path, "reports/trace_report_metrics.json", {"mu0_minus_static_ade_uv": -0.1})
    return tmp_path


def check(artifact: str, root: Path) -> dict[str, Any]:
    from assets_defs.checks.__main__ import check_artifact

    check_artifact(artifact, root)
    return json.loads((root / f"reports/checks/{artifact}.json").read_text())


def edit(path: Path, row: int, **values: Any) -> None:
    table = pd.read_parquet(path)
    for column, value in values.items():
        table.loc[row, column] = value
    table.to_parquet(path)


GOOD = ("raw_videos", "extracted_traces", "captions", "trace_dataset", "world_model", "trace_report")


@pytest.mark.parametrize("artifact", GOOD)
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
        ("trace_report", "reports/trace_report/table.parquet", {"ade_uv": float("nan")}, "column ade_uv"),
        ("trace_report", "reports/trace_report/table.parquet", {"method": "other"}, "n_missing"),
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


def test_a_missing_table_and_an_unknown_artifact_are_said(project: Path) -> None:
    (project / "data/captions/captions.parquet").unlink()
    with pytest.raises(StageError, match=r"captions.parquet is missing"):
        check("captions", project)
    with pytest.raises(StageError, match="no expectations about 'caption'"):
        check("caption", project)
